import { type Database, type Principal, silentLogger, systemClock } from '@reactor/core';
import { openDatabase } from '@reactor/postgres';
import { ALICE } from '@reactor/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Executor } from '../src/execute/executor.js';
import type { Session } from '../src/execute/session.js';
import { createDataMetrics } from '../src/metrics.js';
import { databaseWith } from './support/database.js';
import { ACME, user } from './support/tokens.js';

const ANONYMOUS: Principal = { kind: 'anonymous' };
const SYSTEM: Principal = { kind: 'system' };

function session(principal: Principal, settings: Partial<Session> = {}): Session {
  return { principal, method: 'GET', path: '/data/v1/x', readOnly: true, statementTimeoutMs: 5_000, ...settings };
}

/** A plan whose body is the JSON of an expression. */
function plan(expression: string, values: readonly string[] = []) {
  const text = `SELECT (${expression})::text AS body, 1::bigint AS row_count, NULL::bigint AS total_count, NULL::bigint AS affected_count`;
  return { text, values, generation: 1 };
}

async function setUp(sql = 'SELECT 1') {
  const { connectionString } = await databaseWith(sql);
  // One connection, so that each request meets what the one before left on it.
  const database = openDatabase({ connectionString, poolMax: 1, logger: silentLogger, clock: systemClock });
  onTestFinished(() => database.close());
  const metrics = createDataMetrics(() => []);
  const executor = new Executor({ database, requests: database, metrics, clock: systemClock });
  const ask = async (as: Session, expression: string, values?: string[]) => {
    const { body } = await executor.read('select', as, plan(expression, values));
    return body === null ? null : JSON.parse(body);
  };
  return { database, executor, ask };
}

async function countPrepared(database: Database) {
  const { rows } = await database.query<{ n: number }>('SELECT count(*)::int AS n FROM pg_prepared_statements');
  return rows[0]?.n;
}

describe('a request runs', () => {
  test('as its role, with its claims, and leaves nothing of them', async () => {
    const { database, ask } = await setUp();
    const who = `json_build_array(current_user, auth.user_id(), auth.org_id(), auth.role(), auth.email(),
      auth.is_authenticated(), auth.session_id(), auth.jwt()->>'role')`;
    const alice = user(ALICE, { email: 'a@example.com', orgId: ACME, orgRole: 'owner' });
    expect(await ask(session(alice), who)).toEqual([
      'reactor_authenticated',
      ALICE,
      ACME,
      'owner',
      'a@example.com',
      true,
      's1',
      'reactor_authenticated',
    ]);
    const nobody = [null, null, null, null, false, null];
    expect(await ask(session(ANONYMOUS), who)).toEqual(['reactor_anon', ...nobody, 'reactor_anon']);
    const { rows } = await database.query<{ login: string; claims: string }>(
      "SELECT session_user AS login, current_setting('request.jwt.claims', true) AS claims",
    );
    expect(await ask(session(SYSTEM), who)).toEqual([rows[0]?.login, ...nobody, 'system']);
    expect(rows[0]?.claims).toBe('');
    expect((await database.query('SELECT current_user = session_user AS same')).rows).toEqual([{ same: true }]);
  });

  test('with what the verifier says above what the token says', async () => {
    const { ask } = await setUp();
    const forged = user(ALICE, { claims: { sub: 'other', role: 'postgres', org_id: 'other' }, orgId: ACME });
    expect(await ask(session(forged), "json_build_array(auth.user_id(), auth.jwt()->>'role', auth.org_id())")).toEqual([
      ALICE,
      'reactor_authenticated',
      ACME,
    ]);
  });

  test('with permissions of the token', async () => {
    const { ask } = await setUp();
    const has = `json_build_array(auth.has_permission('a'), auth.has_permission('b'), auth.in_org('${ACME}'),
      auth.in_org(NULL))`;
    const ann = user(ALICE, { claims: { permissions: ['a'] }, orgId: ACME });
    expect(await ask(session(ann), has)).toEqual([true, false, true, false]);
    expect(await ask(session(user(ALICE, { claims: { permissions: ['*'] } })), has)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(await ask(session(user(ALICE)), has)).toEqual([false, false, false, false]);
    expect(await ask(session(ANONYMOUS), has)).toEqual([false, false, false, false]);
  });

  test('within its statement timeout', async () => {
    const { executor } = await setUp();
    const slow = executor.read('select', session(ANONYMOUS, { statementTimeoutMs: 20 }), plan('pg_sleep(10)'));
    await expect(slow).rejects.toMatchObject({ code: 'statement_timeout', status: 504 });
    // The one after it has its own.
    expect((await executor.read('select', session(ANONYMOUS), plan('pg_sleep(0.1)'))).rowCount).toBe(1);
  });

  test('read-only when it reads', async () => {
    const { executor } = await setUp(`
      CREATE TABLE notes (n int); GRANT SELECT, INSERT ON notes TO reactor_anon, reactor_authenticated;
      ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
      CREATE POLICY anything ON notes USING (true);
      CREATE FUNCTION note() RETURNS int LANGUAGE sql AS 'INSERT INTO notes VALUES (1) RETURNING n';
    `);
    const write = plan('public.note()');
    await expect(executor.read('call', session(user(ALICE)), write)).rejects.toMatchObject({
      code: 'read_only',
      status: 405,
    });
    const { body } = await executor.write('call', session(user(ALICE), { readOnly: false }), write, () => 'commit');
    expect(body).toBe('1');
  });
});

test('nothing runs on a connection that is somebody else', async () => {
  const { database, executor, ask } = await setUp('CREATE TABLE notes (n int)');
  expect(await ask(session(SYSTEM), '1')).toBe(1);
  await database.query('SET SESSION AUTHORIZATION reactor_anon');
  const insert = {
    text: `WITH i AS (INSERT INTO public.notes VALUES (1) RETURNING n) SELECT NULL::text AS body, 0::bigint AS row_count,
      NULL::bigint AS total_count, count(*) AS affected_count FROM i`,
    values: [],
  };
  await expect(executor.write('insert', session(SYSTEM, { readOnly: false }), insert)).rejects.toMatchObject({
    code: 'database_unavailable',
    status: 503,
    headers: { 'Retry-After': '1' },
  });
  // It was cleaned; a division by zero of the app is still one.
  expect(await ask(session(SYSTEM), '(SELECT count(*) FROM public.notes)')).toBe(0);
  await expect(executor.read('select', session(SYSTEM), plan('1 / $1::int', ['0']))).rejects.toMatchObject({
    code: 'invalid_value',
  });
});

describe('a write', () => {
  async function counter() {
    const setup = await setUp(`
      CREATE TABLE notes (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);
      GRANT SELECT, INSERT ON notes TO reactor_anon, reactor_authenticated;
      ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
      CREATE POLICY anything ON notes USING (true);
    `);
    const insert = {
      text: `WITH i AS (INSERT INTO public.notes VALUES ($1) RETURNING n) SELECT NULL::text AS body,
        0::bigint AS row_count, NULL::bigint AS total_count, count(*) AS affected_count FROM i`,
      values: ['1'],
    };
    const run = (decide: () => 'commit' | 'rollback') =>
      setup.executor.write('insert', session(user(ALICE), { readOnly: false }), insert, decide);
    const count = () => setup.ask(session(user(ALICE)), 'SELECT count(*) FROM public.notes');
    return { ...setup, run, count };
  }

  test('is kept when it is decided so, and else undone', async () => {
    const { run, count } = await counter();
    expect((await run(() => 'rollback')).affectedCount).toBe(1);
    expect(await count()).toBe(0);
    const no = new Error('no');
    await expect(
      run(() => {
        throw no;
      }),
    ).rejects.toBe(no);
    expect(await count()).toBe(0);
    await run(() => 'commit');
    expect(await count()).toBe(1);
  });

  test('that fails as late as COMMIT is an error', async () => {
    const { run, count } = await counter();
    await run(() => 'commit');
    await expect(run(() => 'commit')).rejects.toMatchObject({ code: 'conflict', status: 409 });
    expect(await count()).toBe(1);
  });
});

describe('statements', () => {
  test('are prepared once for each role, and again when somebody removed them', async () => {
    const { database, ask } = await setUp();
    for (const principal of [ANONYMOUS, user(ALICE), ANONYMOUS, user(ALICE)]) {
      expect(await ask(session(principal), '$1::int + 1', ['1'])).toBe(2);
    }
    // Two, and those that begin, check and end each request.
    expect(await countPrepared(database)).toBe(5);
    await database.query('DEALLOCATE ALL');
    expect(await ask(session(ANONYMOUS), '$1::int + 1', ['1'])).toBe(2);
    expect(await countPrepared(database)).toBe(4);
  });

  test('that are very long are not kept', async () => {
    const { database, ask } = await setUp();
    expect(await ask(session(ANONYMOUS), `length('${'x'.repeat(9_000)}')`)).toBe(9_000);
    expect(await countPrepared(database)).toBe(3);
  });

  test('answer estimates in the same round trip', async () => {
    const { executor } = await setUp('CREATE TABLE notes AS SELECT generate_series(1, 500) AS n; ANALYZE notes');
    const { totalCount } = await executor.read('select', session(SYSTEM), {
      ...plan('1'),
      estimate: { text: 'EXPLAIN (FORMAT JSON) SELECT FROM public.notes WHERE n > $1', values: ['0'] },
    });
    expect(totalCount).toBe(500);
  });

  test('are explained without being kept', async () => {
    const { database, executor } = await setUp('CREATE TABLE notes (n int)');
    const insert = { text: 'INSERT INTO public.notes VALUES ($1)', values: ['1'] };
    const lines = await executor.explain('insert', session(SYSTEM, { readOnly: false }), insert, 'ANALYZE');
    expect(lines[0]).toMatch(/^Insert on notes .*actual/);
    expect((await database.query('SELECT * FROM notes')).rows).toEqual([]);
  });
});

describe('roles', () => {
  test('reach no schema but the exposed one', async () => {
    const { executor } = await setUp(`
      CREATE SCHEMA inside; CREATE TABLE inside.secrets (id int);
      CREATE SCHEMA reactor_auth; CREATE TABLE reactor_auth.users (id int);
    `);
    for (const principal of [ANONYMOUS, user(ALICE)]) {
      for (const table of ['inside.secrets', 'reactor_auth.users', 'reactor_data.app_migrations', 'pg_authid']) {
        await expect(
          executor.read('select', session(principal), plan(`SELECT count(*) FROM ${table}`)),
        ).rejects.toMatchObject({ code: 'permission_denied', status: principal.kind === 'user' ? 403 : 401 });
      }
    }
  });

  test('have no rights beyond DML: nothing on tables that anonymous callers could write, no DDL', async () => {
    const { executor } = await setUp(`
      CREATE TABLE notes (n int); GRANT SELECT ON notes TO reactor_anon;
      GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO reactor_authenticated`);
    const run = (principal: Principal, text: string) =>
      executor.write('call', session(principal, { readOnly: false }), { text, values: [] }, () => 'commit');
    const refused = { postgrest: { code: '42501' } };
    await expect(run(ANONYMOUS, 'INSERT INTO public.notes VALUES (1)')).rejects.toMatchObject(refused);
    await expect(run(user(ALICE), 'TRUNCATE public.notes')).rejects.toMatchObject(refused);
    await expect(run(user(ALICE), 'CREATE TABLE public.mine (n int)')).rejects.toMatchObject(refused);
    await expect(run(user(ALICE), 'ALTER TABLE public.notes DISABLE ROW LEVEL SECURITY')).rejects.toMatchObject(
      refused,
    );
  });
});
