import { expect, test } from 'vitest';
import { signUp } from '../support/client.js';
import { writeMigrations } from '../support/migrations.js';
import { externalPostgres } from '../support/postgres.js';
import { projectDirectory, startServer } from '../support/server.js';
import { until } from '../support/until.js';

test('row-level security that is switched off by hand closes the table, also where no event trigger says so', async () => {
  const postgres = await externalPostgres();
  await postgres.sql("CREATE ROLE app LOGIN CREATEROLE PASSWORD 'of the app'");
  await postgres.sql('CREATE DATABASE app OWNER app');
  const directory = await projectDirectory();
  await writeMigrations(directory, {
    '001_notes': `CREATE TABLE notes (id int); INSERT INTO notes VALUES (1);
      CREATE POLICY anybody ON notes FOR SELECT USING (true)`,
  });
  const server = await startServer({
    directory,
    environment: {
      REACTOR_DATABASE__URL: postgres.urlFor('app', encodeURIComponent('of the app'), 'app'),
      REACTOR_DATA__MIGRATIONS_DIR: 'migrations',
    },
  });
  const person = await signUp(server);
  const read = (headers = {}) => fetch(`${server.url}/data/v1/notes`, { headers });
  expect(await (await read()).json()).toEqual([{ id: 1 }]);
  await postgres.sql('ALTER TABLE notes DISABLE ROW LEVEL SECURITY', 'app');
  await until('the table to be closed', async () => ((await read()).status === 200 ? undefined : true));
  for (const headers of [{}, { Authorization: `Bearer ${person.access_token}` }]) {
    const answer = await read(headers);
    expect([answer.status, await answer.json()]).toEqual([403, expect.objectContaining({ code: '42501' })]);
  }
  await postgres.sql('ALTER TABLE notes ENABLE ROW LEVEL SECURITY', 'app');
  // Somebody who is refused makes it look at once.
  await until('the table to be open', async () => ((await read()).status === 200 ? true : undefined));
});
