import { expect, test } from 'vitest';
import { createBucket, putObject, signUp } from '../support/client.js';
import { writeMigrations } from '../support/migrations.js';
import { reactor } from '../support/reactor.js';
import { projectDirectory, startServer } from '../support/server.js';

const NOTES = `
CREATE TABLE notes (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner_id uuid NOT NULL DEFAULT auth.user_id(),
  text text NOT NULL
);
policy own on notes for all using (owner_id = auth.user_id()) check (owner_id = auth.user_id());
`;

// The tour of the README. `.ci/run` takes it on other releases of Node.js too, by REACTOR_TEST_NODE.
test('a newcomer starts the server, signs up, makes a table and a bucket, and sees what happened', async () => {
  const server = await startServer({ directory: await projectDirectory() });
  expect(await (await fetch(`${server.url}/health`)).json()).toMatchObject({ status: 'ok' });
  const { access_token: token } = await signUp(server);
  const own = { Authorization: `Bearer ${token}` };

  await writeMigrations(server.directory, { '001_notes': NOTES });
  expect(await reactor(server, 'db', 'migrate', 'migrations')).toMatchObject({ code: 0 });
  const notes = `${server.url}/data/v1/notes`;
  const body = JSON.stringify({ text: 'water the figs' });
  const made = await fetch(notes, { method: 'POST', headers: { ...own, 'Content-Type': 'application/json' }, body });
  expect(made.status).toBe(201);
  const found = (headers: Record<string, string>) =>
    fetch(`${notes}?select=text&text=ilike.*figs*`, { headers }).then((answer) => answer.json());
  expect([await found(own), await found({})]).toEqual([[{ text: 'water the figs' }], []]);

  await createBucket(server, 'notes');
  expect((await putObject(server, token, 'notes/hello.txt', 'hello')).status).toBe(200);
  const object = (headers: Record<string, string>) =>
    fetch(`${server.url}/storage/v1/object/notes/hello.txt`, { headers });
  expect([await (await object(own)).text(), (await object({})).status]).toEqual(['hello', 401]);

  const scrape = (await (await fetch(`${server.url}/metrics`)).text()).split('\n');
  expect(scrape).toContain('reactor_data_operations_total{operation="insert",result="ok"} 1');
  expect(await reactor(server, 'doctor')).toMatchObject({ code: 0, stdout: expect.stringContaining('db_ping') });
  expect((await reactor(server, 'logs', '--capability', 'storage', '--since', '5m')).stdout).toMatch(
    /PUT.*\/storage\/v1\/object\/notes\/hello\.txt/,
  );
  expect(await server.end('SIGTERM')).toBe(0);
});
