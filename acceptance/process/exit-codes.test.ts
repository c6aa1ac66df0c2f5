import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { connectDatabase } from '../support/database.js';
import { projectDirectory, runServer, startServer } from '../support/server.js';

/** Waits for half a minute: the other tests run meanwhile. */
const unreachable = runServer(await projectDirectory(), ['--bind', '127.0.0.1:0'], {
  REACTOR_DATABASE__URL: 'postgresql://app:hunter2secret@127.0.0.1:1/app',
});

test('0 after a clean stop, with the last line written', async () => {
  const server = await startServer();
  expect(await server.end('SIGTERM')).toBe(0);
  const lines = server
    .stdout()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { fields: { message: string } });
  expect(lines.map(({ fields }) => fields.message)).toContain('stopping');
});

test('1 when a migration cannot be applied, naming the capability and what PostgreSQL said', async () => {
  const first = await startServer();
  const { directory } = first;
  // A foreign hand put something in the way of a migration that has not run yet.
  const { client, ledger } = await connectDatabase(first);
  await client.query('DROP SCHEMA reactor_storage CASCADE');
  await client.query(`DELETE FROM ${ledger} WHERE owner = 'storage'`);
  await client.query('CREATE SCHEMA reactor_storage; CREATE VIEW reactor_storage.buckets AS SELECT 1 AS id');
  expect(await first.end('SIGTERM')).toBe(0);
  const again = await runServer(directory, ['--bind', '127.0.0.1:0']);
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/storage/);
  expect(again.stderr).toMatch(/buckets/);
});

test('2 for a configuration that cannot be used, naming every key path', async () => {
  const directory = await projectDirectory();
  await writeFile(path.join(directory, 'Reactor.toml'), '[server]\nbnd = "x"\n[auth]\n');
  const { code, stderr, stdout } = await runServer(directory);
  expect(code).toBe(2);
  expect(stderr).toContain('server.bnd: unknown key (Reactor.toml); did you mean server.bind?');
  expect(stderr).toContain('admin.token: required');
  expect(stdout).toBe('');
});

test('2 for an unknown command or flag', async () => {
  const directory = await projectDirectory();
  expect((await runServer(directory, ['sevre'])).code).toBe(2);
  expect((await runServer(directory, ['--bnd', 'x'])).code).toBe(2);
});

test('2 for a second server on the same state directory, naming the first', async () => {
  const first = await startServer();
  const second = await runServer(first.directory, ['--bind', '127.0.0.1:0']);
  expect(second.code).toBe(2);
  expect(second.stderr).toContain(String(first.pid));
  expect((await fetch(`${first.url}/health`)).status).toBe(200);
});

test('3 when the port is taken, saying how to choose another', async () => {
  const first = await startServer();
  const { code, stderr } = await runServer(await projectDirectory(), ['--bind', new URL(first.url).host]);
  expect(code).toBe(3);
  expect(stderr).toContain('--bind');
});

test('4 when the stored keys cannot be read with the configured secret', async () => {
  const first = await startServer();
  expect(await first.end('SIGTERM')).toBe(0);
  await writeFile(
    path.join(first.stateDirectory, 'secrets.json'),
    JSON.stringify({ 'auth.secret': 'another-secret-'.repeat(4) }),
  );
  const { code, stderr } = await runServer(first.directory, ['--bind', '127.0.0.1:0']);
  expect(code).toBe(4);
  expect(stderr).toMatch(/auth/);
});

test('5 when the database refuses the login, without its password anywhere', async () => {
  const first = await startServer();
  const directory = await projectDirectory();
  const socket = /host=(\S+)/.exec(first.stderr())?.[1];
  const config = `[project]\nenv = "dev"\n[database]\nurl = "postgresql://nobody:hunter2secret@/nowhere?host=${socket}"\n[auth]\n`;
  await writeFile(path.join(directory, 'Reactor.toml'), config);
  const { code, stderr, stdout } = await runServer(directory, ['--bind', '127.0.0.1:0']);
  expect(code).toBe(5);
  expect(stderr + stdout).not.toContain('hunter2secret');
});

test('5 for a data directory of another major version, with the remedy', async () => {
  const first = await startServer();
  expect(await first.end('SIGTERM')).toBe(0);
  await writeFile(path.join(first.stateDirectory, 'postgres', 'data', 'PG_VERSION'), '12\n');
  const { code, stderr } = await runServer(first.directory, ['--bind', '127.0.0.1:0']);
  expect(code).toBe(5);
  expect(stderr).toMatch(/PostgreSQL 12/);
});

test('6 when a capability could not start, naming it', async () => {
  const first = await startServer();
  expect(await first.end('SIGTERM')).toBe(0);
  const blobs = path.join(first.stateDirectory, 'blobs');
  await rm(blobs, { recursive: true });
  await writeFile(blobs, 'a file where the folder should be');
  const { code, stderr } = await runServer(first.directory, ['--bind', '127.0.0.1:0']);
  expect(code).toBe(6);
  expect(stderr).toMatch(/storage/);
});

test('5 when nobody listens where the database should be, after waiting for it', async () => {
  const { code, stderr, stdout } = await unreachable;
  expect(code).toBe(5);
  expect(stderr).toContain('127.0.0.1:1');
  expect(stderr + stdout).not.toContain('hunter2secret');
}, 90_000);
