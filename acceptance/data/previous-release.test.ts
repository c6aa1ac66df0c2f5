import { chmod, cp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { doctor, PASSWORD } from '../support/client.js';
import { connectDatabase } from '../support/database.js';
import { linesOf } from '../support/log.js';
import { externalPostgres } from '../support/postgres.js';
import { projectDirectory, startServer, type TestServer } from '../support/server.js';

/*
 * `fixtures/previous-release` is what the first release left after an app's first day: `database.sql` is a dump of its
 * PostgreSQL 15 without comments, `state` its state directory, `migrations` the files that it had applied. Secrets in it
 * are of this test only.
 */
const FIXTURE = path.resolve(import.meta.dirname, '../fixtures/previous-release');

/** What the sign-up of ada@example.com answered. */
const REFRESH_TOKEN = 'DFyj9BRXXR4Y7SkyaQxNs2C7kZHqV0JE';
const ADA = '01a227de-6eb0-73c7-8550-1ed08edd8dc4';
const INVOICE = 'a customer whom only the operator knows';

/** Makes an empty database what the first release left. Its roles, and sessions that have not ended since, are there too. */
async function restore(client: Client): Promise<void> {
  const dump = await readFile(path.join(FIXTURE, 'database.sql'), 'utf8');
  const roles = ['reactor_anon', 'reactor_authenticated'].map(
    (role) => `
      DO $$ BEGIN CREATE ROLE ${role} NOLOGIN NOINHERIT; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT ${role} TO CURRENT_USER;`,
  );
  await client.query(roles.join(''));
  await client.query(dump);
  await client.query(`UPDATE reactor_auth.sessions SET expires_at = now() + interval '1 day'`);
}

async function projectOfThen(): Promise<string> {
  const directory = await projectDirectory();
  const state = path.join(directory, '.reactor');
  await cp(path.join(FIXTURE, 'state'), state, { recursive: true });
  await cp(path.join(FIXTURE, 'migrations'), path.join(directory, 'migrations'), { recursive: true });
  await chmod(state, 0o711);
  for (const file of ['secrets.json', 'admin-token']) await chmod(path.join(state, file), 0o600);
  return directory;
}

const ENVIRONMENT = { REACTOR_DATA__MIGRATIONS_DIR: 'migrations' };

/** Runs today's server on an external PostgreSQL, or on the embedded one, which holds what the first release left. */
const PLACES: Readonly<Record<string, () => Promise<() => Promise<TestServer>>>> = {
  async external() {
    const postgres = await externalPostgres();
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    await restore(client).finally(() => client.end());
    const directory = await projectOfThen();
    return () => startServer({ directory, environment: { ...ENVIRONMENT, REACTOR_DATABASE__URL: postgres.url } });
  },
  async embedded() {
    const directory = await projectOfThen();
    const server = await startServer({ directory });
    const { client } = await connectDatabase(server);
    await client.query(`DROP EVENT TRIGGER IF EXISTS reactor_data_schema_change;
      DO $$ BEGIN
        EXECUTE (SELECT format('DROP SCHEMA %s CASCADE', string_agg(quote_ident(nspname), ', ')) FROM pg_namespace
                 WHERE nspname !~ '^pg_|^information_schema$');
      END $$;
      CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC`);
    await restore(client);
    await client.end();
    await server.end('SIGTERM');
    return () => startServer({ directory, environment: ENVIRONMENT });
  },
};

test.for(Object.keys(PLACES))('a state directory of the previous release starts: %s', async (place) => {
  const start = await (PLACES[place] as (typeof PLACES)[string])();
  const first = await start();
  const asAda = await signedIn(first);
  await rowsAndObjectsAreThere(first, asAda);
  await privilegesFollowRowSecurity(first, asAda);
  const changes = await grantsCheck(first);
  expect(changes).toEqual({
    name: 'grants',
    status: 'warn',
    code: 'grants_changed',
    message:
      'Closed by the upgrade, because no policy applies: view all_notes, table invoices, materialized view note_counts; ' +
      'No longer callable without a token since the upgrade, also from inside other functions: ' +
      'function all_bodies(), function count_invoices(), function greeting(name text)',
    remedy: expect.stringContaining('data.anonymous_functions = true'),
  });
  expect(await first.end('SIGTERM')).toBe(0);

  const second = await start();
  expect(linesOf(second).filter(({ fields }) => /migration applied|privileges/.test(String(fields.message)))).toEqual(
    [],
  );
  expect(await grantsCheck(second)).toEqual(changes);
  await privilegesFollowRowSecurity(second, await signedIn(second));
});

type Ask = (path: string, init?: RequestInit) => Promise<Response>;

/** With the refresh token of then, and with the password. */
async function signedIn(server: TestServer): Promise<Ask> {
  const post = (to: string, body: unknown) =>
    fetch(`${server.url}/auth/v1/${to}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  const user = await fetch(`${server.url}/auth/v1/user`, { headers: { Authorization: `Bearer ${REFRESH_TOKEN}` } });
  expect([user.status, await user.json()]).toMatchObject([200, { id: ADA }]);
  const login = await post('login', { email: 'ada@example.com', password: PASSWORD });
  expect([login.status, await login.json()]).toMatchObject([200, { user: { id: ADA } }]);
  const refreshed = await post('token', { refresh_token: REFRESH_TOKEN });
  expect(refreshed.status).toBe(200);
  const { access_token: token } = (await refreshed.json()) as { access_token: string };
  return (to, init = {}) =>
    fetch(`${server.url}${to}`, { ...init, headers: { Authorization: `Bearer ${token}`, ...init.headers } });
}

async function rowsAndObjectsAreThere(server: TestServer, asAda: Ask): Promise<void> {
  expect(await (await asAda('/data/v1/notes?select=body&order=id')).json()).toEqual([
    { body: 'public: hello' },
    { body: 'only for Ada' },
  ]);
  expect(await (await server.admin('/data/v1/invoices?select=customer')).json()).toEqual([{ customer: INVOICE }]);
  const picture = await asAda('/storage/v1/object/pictures/cat.txt');
  expect([picture.status, await picture.text()]).toEqual([200, 'a picture of a cat']);
  const written = await asAda('/data/v1/notes?columns=body', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Prefer: 'return=representation' },
    body: '{"body":"of today"}',
  });
  expect(await written.json()).toMatchObject([{ id: 3, owner_id: ADA }]);
  expect((await asAda('/data/v1/notes?id=eq.3', { method: 'DELETE' })).status).toBe(204);
}

async function privilegesFollowRowSecurity(server: TestServer, asAda: Ask): Promise<void> {
  const anonymous: Ask = (to) => fetch(`${server.url}${to}`);
  const denied = 'permission_denied';
  const answers: Record<string, readonly unknown[]> = {};
  for (const to of [
    'notes?select=id',
    'shown_notes?select=id',
    'pay',
    'pay?select=person',
    'invoices',
    'rpc/greeting?name=x',
    'rpc/hello',
    'rpc/closed',
    'rpc/all_bodies',
    'rpc/count_invoices',
  ]) {
    answers[to] = await Promise.all(
      [anonymous, asAda].map(async (ask) => {
        const body = (await (await ask(`/data/v1/${to}`)).json()) as { error?: { code: string } };
        expect(JSON.stringify(body)).not.toContain(INVOICE);
        return body?.error?.code ?? body;
      }),
    );
  }
  expect(answers).toEqual({
    'notes?select=id': [[{ id: 1 }], [{ id: 1 }, { id: 2 }]],
    'shown_notes?select=id': [[{ id: 1 }], [{ id: 1 }, { id: 2 }]],
    pay: [denied, denied],
    'pay?select=person': [denied, [{ person: 'Ada' }]],
    invoices: ['row_security_off', 'row_security_off'],
    'rpc/greeting?name=x': [denied, 'hello x'],
    'rpc/hello': ['hello', 'hello'],
    'rpc/closed': [denied, denied],
    // Read a view of its owner and a table without row-level security.
    'rpc/all_bodies': [denied, denied],
    'rpc/count_invoices': [denied, denied],
  });
}

async function grantsCheck(server: TestServer) {
  const { body } = await doctor(server);
  const check = body.data?.checks.find(({ name }) => name === 'grants');
  return { ...check, duration_ms: undefined };
}
