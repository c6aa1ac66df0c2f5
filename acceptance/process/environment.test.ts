import { expect, test } from 'vitest';
import { externalPostgres } from '../support/postgres.js';
import { runServer, startServer } from '../support/server.js';

/** What a shell may hold for psql and others; each breaks a connection that heeds it. */
const SHELL = {
  PGHOST: 'nowhere.invalid',
  PGPORT: '1',
  PGUSER: 'nobody',
  PGDATABASE: 'nothing',
  PGPASSWORD: 'wrong',
  PGPASSFILE: '/nowhere',
  PGSERVICE: 'nothing',
  PGSSLMODE: 'require',
  PGSSLNEGOTIATION: 'direct',
  PGOPTIONS: '-c default_transaction_read_only=on',
  PGAPPNAME: 'somebody',
  PGCLIENTENCODING: 'LATIN1',
  PGDATA: '/nowhere',
  NODE_PG_FORCE_NATIVE: '1',
};

test('the shell of a PostgreSQL user starts the server with the embedded database', async () => {
  const server = await startServer({ environment: SHELL });
  expect((await server.admin('/_admin/doctor')).status).toBe(200);
  expect(await server.end('SIGTERM')).toBe(0);
  const { code, stdout } = await runServer(server.directory, ['doctor'], SHELL);
  expect([code, stdout]).toEqual([0, expect.stringContaining('db_ping')]);
});

test('and with an external one', async () => {
  const postgres = await externalPostgres();
  const environment = { ...SHELL, REACTOR_DATABASE__URL: postgres.url };
  const server = await startServer({ environment });
  expect((await server.admin('/_admin/doctor')).status).toBe(200);
});

test("variables of better-auth's own add no trusted origin", async () => {
  const server = await startServer({ environment: { BETTER_AUTH_TRUSTED_ORIGINS: 'https://*.example,*' } });
  const answer = await fetch(`${server.url}/auth/v1/sign-in/email`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: 'https://evil.example' },
    body: JSON.stringify({ email: 'ada@example.com', password: 'correct horse battery' }),
  });
  expect([answer.status, await answer.json()]).toMatchObject([403, { error: { code: 'untrusted_origin' } }]);
});
