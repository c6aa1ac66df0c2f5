import { silentLogger, systemClock } from '@reactor/core';
import { openDatabase } from '@reactor/postgres';
import { ALICE, BOB, listen } from '@reactor/testing';
import { Hono } from 'hono';
import { expect, onTestFinished, test } from 'vitest';
import { createData, type DataConfig, parseDataConfig } from '../../src/index.js';
import { jsonBody } from '../support/data.js';
import { databaseWith } from '../support/database.js';
import { testTokens } from '../support/tokens.js';

const SCHEMA = `
  CREATE TABLE notes (id int PRIMARY KEY, owner uuid DEFAULT auth.user_id(), tenant text, body text);
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON notes USING (owner = auth.user_id());
  CREATE POLICY of_tenant ON notes FOR SELECT USING (tenant = current_setting('app.tenant', true));
  CREATE TABLE jobs (id serial PRIMARY KEY, at_commit int UNIQUE DEFERRABLE INITIALLY DEFERRED, signed_by uuid);
  ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON jobs USING (true);
  INSERT INTO jobs (at_commit) VALUES (1);
  INSERT INTO notes VALUES (1, '${ALICE}', 'a', 'of Alice'), (2, '${BOB}', 'b', 'of Bob');

  CREATE FUNCTION who() RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('role', current_user, 'session', session_user, 'sub', auth.jwt() ->> 'sub',
      'path', current_setting('search_path'), 'timeout', current_setting('statement_timeout'),
      'read_only', current_setting('transaction_read_only')) $$;
  GRANT EXECUTE ON FUNCTION who TO reactor_anon;
  CREATE FUNCTION enter(tenant text) RETURNS text LANGUAGE sql VOLATILE AS
    $$ SELECT set_config('app.tenant', tenant, false) $$;
  CREATE FUNCTION look_into(tenant text) RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT set_config('app.tenant', tenant, false) $$;
  CREATE FUNCTION run(command text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE command; END $$;
  CREATE FUNCTION collect() RETURNS bigint LANGUAGE plpgsql AS $$
    BEGIN
      CREATE TEMPORARY TABLE IF NOT EXISTS collected (body text);
      INSERT INTO collected SELECT body FROM notes;
      RETURN (SELECT count(*) FROM collected);
    END $$;
  CREATE FUNCTION lock() RETURNS boolean LANGUAGE sql AS 'SELECT pg_try_advisory_lock(1)';
  CREATE FUNCTION stealthily() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('app.tenant', NEW.tenant, false); RETURN NEW; END $$;
  CREATE TRIGGER stealthily BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION stealthily();
  CREATE FUNCTION sign() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM set_config('app.tenant', 'b', false);
      UPDATE jobs SET signed_by = auth.user_id() WHERE id = NEW.id;
      RETURN NULL;
    END $$;
  CREATE CONSTRAINT TRIGGER sign AFTER INSERT ON jobs DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION sign();
  CREATE FUNCTION stash(body text) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
      EXECUTE format('DECLARE stash CURSOR WITH HOLD FOR SELECT %L::text', body);
      PERFORM pg_advisory_lock(7);
      RETURN body;
    END $$;
  CREATE VIEW stashed WITH (security_invoker) AS SELECT id, stash(body) AS body FROM notes;
  CREATE FUNCTION unstash() RETURNS text LANGUAGE plpgsql AS $$
    DECLARE stash refcursor := 'stash'; body text;
    BEGIN FETCH NEXT FROM stash INTO body; RETURN body; END $$;
  CREATE FUNCTION last_id() RETURNS bigint LANGUAGE sql AS 'SELECT lastval()';
`;

/** Data over one single connection: every request meets what the one before has left on it. */
async function setUp(config: Partial<DataConfig> = {}) {
  const { connectionString, database: other } = await databaseWith(SCHEMA);
  const context = { logger: silentLogger, clock: systemClock };
  const database = openDatabase({ connectionString, poolMax: 1, ...context });
  onTestFinished(() => database.close());
  const data = createData({ ...parseDataConfig({}), ...config }, { ...context, database, tokens: testTokens });
  onTestFinished(() => data.stop(AbortSignal.timeout(1_000)));
  await data.start();
  const app = new Hono().route(data.basePath, data.routes);
  const ask = async (token: string | undefined, method: string, path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
    const answer = await app.request(`http://localhost/data/v1${path}`, { ...init, method, headers });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  const run = (command: string, token = 'alice') => ask(token, 'POST', '/rpc/run', jsonBody({ command }));
  const visible = async (token: string | undefined) =>
    (await ask(token, 'GET', '/notes?select=id&order=id')).body.map(({ id }: { id: number }) => id);
  return { app, ask, database, other, run, visible };
}

const NOBODY = {
  role: 'reactor_anon',
  sub: null,
  path: 'public, pg_temp',
  timeout: '3s',
  read_only: 'on',
};

test('a setting of the session ends with the request, however it was made', async () => {
  const { ask, visible } = await setUp();
  await ask('alice', 'POST', '/rpc/enter', jsonBody({ tenant: 'b' }));
  expect(await visible('alice')).toEqual([1]);
  expect(await visible(undefined)).toEqual([]);
  // As a read, whose transaction only reads.
  await ask('alice', 'GET', '/rpc/look_into?tenant=b');
  expect(await visible('alice')).toEqual([1]);
  await ask('alice', 'POST', '/notes', jsonBody({ id: 3, tenant: 'b' }));
  expect(await visible('alice')).toEqual([1, 3]);
});

test('neither role nor claims nor settings survive a request that goes wrong', async () => {
  const { ask, database, run } = await setUp({ statementTimeoutMs: 10_000 });
  const { rows } = await database.query<{ login: string }>('SELECT current_user AS login');
  const login = rows[0]?.login;
  const pristine = async (after: string) => {
    expect((await ask(undefined, 'GET', '/rpc/who')).body, after).toMatchObject({ ...NOBODY, session: login });
    const outside = await database.query<{ role: string; claims: string | null }>(
      "SELECT current_user AS role, current_setting('request.jwt.claims', true) AS claims",
    );
    expect(outside.rows, after).toEqual([{ role: login, claims: '' }]);
  };
  for (const [what, request] of [
    ['a value that cannot be read', () => ask('alice', 'GET', '/notes?id=eq.x')],
    ['a refused row', () => ask('alice', 'POST', '/notes', jsonBody({ id: 9, owner: BOB }))],
    ['a commit that fails', () => ask('alice', 'POST', '/jobs', jsonBody({ at_commit: 1 }))],
    ['a rollback', () => ask('alice', 'DELETE', '/notes?id=eq.1', { headers: { Prefer: 'tx=rollback' } })],
    ['a reset role', () => run('RESET ROLE')],
    ['another role', () => run(`SELECT set_config('role', 'reactor_anon', false)`)],
    ['another user', () => run('SET SESSION AUTHORIZATION reactor_anon')],
    ['forged claims', () => run(`SELECT set_config('request.jwt.claims', '{"sub":"${BOB}"}', false)`)],
    ['another search path', () => run('SET search_path = pg_catalog')],
    ['no timeout', () => run('SET statement_timeout = 0')],
    ['only reading', () => run('SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY')],
    ['an error in a function', () => run('SELECT 1 / 0')],
    ['a forgotten statement', () => run('DEALLOCATE ALL')],
  ] as const) {
    await request();
    await pristine(what);
  }
});

test('neither do they survive the end of its time', async () => {
  const { ask, run, visible } = await setUp({ statementTimeoutMs: 50 });
  expect((await run(`SELECT set_config('app.tenant', 'b', false), pg_sleep(9)`)).status).toBe(504);
  expect(await visible(undefined)).toEqual([]);
  expect((await ask('bob', 'GET', '/rpc/who')).body).toMatchObject({ role: 'reactor_authenticated', sub: BOB });
});

test('a caller who hangs up leaves nothing to the next one', async () => {
  const { app, ask, other, visible } = await setUp();
  const { port } = await listen(app);
  const hangUp = new AbortController();
  const waiting = fetch(`http://127.0.0.1:${port}/data/v1/rpc/run`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: 'Bearer alice' },
    body: JSON.stringify({ command: `SELECT set_config('app.tenant', 'b', false), pg_sleep(0.3)` }),
    signal: hangUp.signal,
  });
  await expect
    .poll(async () => (await other.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'`)).rowCount)
    .toBe(1);
  hangUp.abort();
  await expect(waiting).rejects.toThrow();
  expect(await visible(undefined)).toEqual([]);
  expect((await ask(undefined, 'GET', '/rpc/who')).body).toMatchObject(NOBODY);
});

test('what waits for the end of a transaction is part of its request', async () => {
  const { ask, other, visible } = await setUp();
  const object = { Accept: 'application/vnd.pgrst.object+json', Prefer: 'return=representation' };
  // Decided by PostgreSQL alone, and by what was done.
  for (const [n, headers] of [{}, object].entries()) {
    expect((await ask('bob', 'POST', '/jobs', jsonBody({ at_commit: 10 + n }, headers))).status).toBe(201);
    expect(await visible('alice')).toEqual([1]);
  }
  const signed = await other.query('SELECT signed_by FROM jobs WHERE at_commit >= 10');
  expect(signed.rows).toEqual([{ signed_by: BOB }, { signed_by: BOB }]);
});

test('a temporary table belongs to the request that made it', async () => {
  const { ask, run, visible } = await setUp();
  expect((await ask('bob', 'POST', '/rpc/collect')).body).toBe(1);
  expect((await ask('alice', 'POST', '/rpc/collect')).body).toBe(1);
  // A temporary table of the name of a real one takes what others write, where it comes first in the search path.
  await run('CREATE TEMPORARY TABLE notes (id int, body text)');
  await ask('bob', 'POST', '/notes', jsonBody({ id: 4, body: 'of Bob' }));
  expect(await visible('bob')).toEqual([2, 4]);
  expect((await run('SELECT tenant FROM notes')).status).toBe(204);
});

test('locks, listening, cursors and the last number of a sequence end with the request', async () => {
  const { ask, database, other, run } = await setUp();
  expect((await ask('alice', 'POST', '/rpc/lock')).body).toBe(true);
  // Those of other databases are there too.
  const locks = `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE locktype = 'advisory' AND datname = current_database()`;
  await expect.poll(async () => (await other.query(locks)).rowCount, { timeout: 5_000 }).toBe(0);
  await run('LISTEN secrets');
  expect((await database.query('SELECT pg_listening_channels()')).rows).toEqual([]);
  await run('DECLARE held CURSOR WITH HOLD FOR SELECT body FROM notes');
  expect((await database.query(`SELECT FROM pg_cursors WHERE name = 'held'`)).rowCount).toBe(0);
  await ask('alice', 'POST', '/jobs', jsonBody({ at_commit: 5 }));
  expect((await ask('bob', 'POST', '/rpc/last_id')).body).not.toBe(2);
});

test('what a function in a view opens and locks does not outlive the read', async () => {
  const { ask, database } = await setUp();
  expect((await ask('alice', 'GET', '/stashed?select=body')).body).toEqual([{ body: 'of Alice' }]);
  expect((await ask('bob', 'POST', '/rpc/unstash', jsonBody({}))).body).toMatchObject({ code: '34000' });
  expect(
    (
      await database.query(
        'SELECT FROM pg_locks WHERE locktype = $1 AND objid = 7 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())',
        ['advisory'],
      )
    ).rows,
  ).toEqual([]);
});
