import { silentLogger, systemClock } from '@reactor/core';
import { ALICE, BOB } from '@reactor/testing';
import { expect, test } from 'vitest';
import { createData, parseDataConfig } from '../../src/index.js';
import { createTestData, jsonBody, refusal } from '../support/data.js';
import { ACME, user } from '../support/tokens.js';

/** In rows and columns that Alice may not read. */
const SECRET = 'the secret of Bob';

const SCHEMA = `
  CREATE SCHEMA reactor_auth;
  CREATE TABLE reactor_auth.users (id uuid PRIMARY KEY, email text);
  ALTER TABLE reactor_auth.users ENABLE ROW LEVEL SECURITY;
  INSERT INTO reactor_auth.users VALUES ('${BOB}', '${SECRET}');
  CREATE TABLE people (id int PRIMARY KEY, name text, salary int, note text);
  CREATE TABLE teams (id int PRIMARY KEY, name text);
  CREATE TABLE members (team int REFERENCES teams, person int REFERENCES people, PRIMARY KEY (team, person));
  CREATE TABLE letters (id serial PRIMARY KEY, recipient uuid, body text);
  ALTER TABLE people ENABLE ROW LEVEL SECURITY;
  ALTER TABLE teams ENABLE ROW LEVEL SECURITY;
  ALTER TABLE members ENABLE ROW LEVEL SECURITY;
  ALTER TABLE letters ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON people USING (true);
  CREATE POLICY anybody ON teams USING (true);
  CREATE POLICY of_ann ON members USING (person = 1);
  -- Letters may be written to anybody, and are read by whom they are for.
  CREATE POLICY write ON letters FOR INSERT WITH CHECK (true);
  CREATE POLICY read ON letters FOR SELECT USING (recipient = (SELECT auth.user_id()));
  CREATE POLICY change ON letters FOR UPDATE USING (true) WITH CHECK (true);
  REVOKE SELECT ON people FROM reactor_anon, reactor_authenticated;
  GRANT SELECT (id, name) ON people TO reactor_authenticated;
  INSERT INTO people VALUES (1, 'Ann', 10, NULL), (2, 'Bob', 20, '${SECRET}');
  INSERT INTO teams VALUES (1, 'red'), (2, 'blue');
  INSERT INTO members VALUES (1, 1), (2, 2), (1, 2);
  INSERT INTO letters (recipient, body) VALUES ('${ALICE}', 'to Alice'), ('${BOB}', '${SECRET}');
  CREATE VIEW users WITH (security_invoker) AS SELECT * FROM reactor_auth.users;
  CREATE VIEW users_of_owner AS SELECT * FROM reactor_auth.users;
  CREATE VIEW statistics WITH (security_invoker) AS SELECT tablename, most_common_vals::text FROM pg_catalog.pg_stats;
  CREATE VIEW tables WITH (security_invoker) AS SELECT * FROM information_schema.tables;
  CREATE FUNCTION emails() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT email FROM reactor_auth.users';
  CREATE FUNCTION applied() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT name FROM reactor_data.app_migrations';
  CREATE FUNCTION secretly() RETURNS int LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT 1';
  REVOKE EXECUTE ON FUNCTION secretly() FROM PUBLIC;
  -- An operator that tells what it is asked about.
  CREATE FUNCTION tell(a text, b text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
    $$ BEGIN RAISE EXCEPTION 'asked about %', a; END $$;
  CREATE OPERATOR public.@> (LEFTARG = text, RIGHTARG = text, FUNCTION = tell);
  CREATE FUNCTION to_number_or_tell(t text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN RAISE EXCEPTION 'asked about %', t; END $$;
  CREATE DOMAIN telling AS text CHECK (to_number_or_tell(VALUE) > 0);
  CREATE TABLE uses_telling (t telling);
  ALTER TABLE uses_telling ENABLE ROW LEVEL SECURITY;
  ANALYZE;
`;

async function setUp() {
  const data = await createTestData(SCHEMA, { config: { planEnabled: true } });
  const ask = async (method: string, path: string, init: RequestInit = {}) => {
    const answer = await data.as('alice')(method, path, init);
    const everything = `${JSON.stringify([...answer.headers])} ${await answer.clone().text()}`;
    expect(everything, `${method} ${path}`).not.toContain(SECRET);
    return answer;
  };
  const get = async (path: string) => {
    const answer = await ask('GET', path);
    return answer.status === 200 ? await answer.json() : await refusal(answer);
  };
  return { ...data, ask, get };
}

const DENIED = '403 42501 permission_denied';

test('a column that may not be read does not answer questions either', async () => {
  const { ask, get } = await setUp();
  expect(await get('/people?select=id,name')).toHaveLength(2);
  for (const query of [
    '',
    'select=*',
    'select=salary',
    'select=note::text',
    'select=n:note',
    'select=salary.max()',
    'select=id&salary=gt.10',
    'select=id&or=(salary.gt.10,id.eq.1)',
    'select=id&note=like.*secret*',
    'select=id&order=salary',
    'select=id&order=note->>a',
    'select=id&note=is.null',
  ]) {
    expect(await get(`/people?${query}`), query).toBe(DENIED);
  }
  for (const query of [
    'select=people(*)',
    'select=people(salary)',
    'select=...people(note)',
    'select=people(id)&people.salary=gt.10',
    'select=people!inner()&people.note=like.*secret*',
    'select=people(id)&order=people(salary)',
    'select=people(salary.sum())',
    'select=teams(people(note))',
  ]) {
    expect(await get(`/members?${query}`), query).toBe(DENIED);
  }
  for (const count of ['exact', 'planned', 'estimated']) {
    const answer = await ask('GET', '/people?select=id&salary=gt.10', { headers: { Prefer: `count=${count}` } });
    expect(await refusal(answer)).toBe(DENIED);
  }
  const plan = await ask('GET', '/people?select=id&salary=gt.10', {
    headers: { Accept: 'application/vnd.pgrst.plan+json; options=analyze' },
  });
  expect(await refusal(plan)).toBe(DENIED);
  expect(await refusal(await ask('PATCH', '/people?salary=gt.10', jsonBody({ name: 'x' })))).toBe(DENIED);
  expect(await refusal(await ask('DELETE', '/people?note=like.*'))).toBe(DENIED);
  const back = { Prefer: 'return=representation' };
  expect(await refusal(await ask('PATCH', '/people?id=eq.2', jsonBody({ name: 'x' }, back)))).toBe(DENIED);
  expect(await get('/people?select=name&order=id')).toEqual([{ name: 'Ann' }, { name: 'Bob' }]);
});

test('rows behind a junction that may not be read are not reached', async () => {
  const { get } = await setUp();
  expect(await get('/teams?select=name,people(name)&order=id')).toEqual([
    { name: 'red', people: [{ name: 'Ann' }] },
    { name: 'blue', people: [] },
  ]);
  expect(await get('/people?select=name,teams(name)&order=id')).toEqual([
    { name: 'Ann', teams: [{ name: 'red' }] },
    { name: 'Bob', teams: [] },
  ]);
  expect(await get('/teams?select=name,people!inner()&people.name=eq.Bob')).toEqual([]);
  expect(await get('/teams?select=name,people()&people=is.null')).toEqual([{ name: 'blue' }]);
  expect(await get('/teams?select=name,people(count)&order=id')).toEqual([
    { name: 'red', people: [{ count: 1 }] },
    { name: 'blue', people: [{ count: 0 }] },
  ]);
});

test('who may write a row may not therefore read it', async () => {
  const { ask, database } = await setUp();
  const letter = { recipient: BOB, body: 'to Bob' };
  expect((await ask('POST', '/letters', jsonBody(letter))).status).toBe(201);
  for (const Prefer of ['return=representation', 'return=headers-only']) {
    const answer = await ask('POST', '/letters', jsonBody(letter, { Prefer }));
    expect(await refusal(answer), Prefer).toBe('403 42501 policy_denied');
  }
  // What a change finds is what may be read, though any letter may be changed.
  const all = { Prefer: 'handling=strict, max-affected=99, return=representation' };
  expect(await (await ask('PATCH', '/letters', jsonBody({ body: 'x' }, all))).json()).toHaveLength(1);
  const forwarded = await ask('PATCH', '/letters?body=eq.x', jsonBody({ recipient: BOB }, all));
  expect(await refusal(forwarded)).toBe('403 42501 policy_denied');
  const merged = await ask(
    'POST',
    '/letters',
    jsonBody({ id: 2, recipient: ALICE }, { Prefer: 'resolution=merge-duplicates, return=representation' }),
  );
  expect(await refusal(merged)).toBe('403 42501 policy_denied');
  const { rows } = await database.query(`SELECT recipient, body FROM letters ORDER BY id`);
  expect(rows).toEqual([
    { recipient: ALICE, body: 'x' },
    { recipient: BOB, body: SECRET },
    { recipient: BOB, body: 'to Bob' },
  ]);
});

test('an operator or a type of the app does not see rows before the policies', async () => {
  const { ask, get } = await setUp();
  for (const [query, told] of [
    ['body=cs.x', 'to Alice'],
    ['not.or=(body.cs.x,id.eq.9)', 'to Alice'],
    ['select=body::telling', 'to Alice'],
  ]) {
    const answer = await ask('GET', `/letters?${query}`);
    expect(await answer.json(), query).toMatchObject({ code: 'P0001', message: `asked about ${told}` });
  }
  expect(await get('/letters?recipient=eq.0190a000-0000-7000-8000-00000000000b&body=cs.x')).toEqual([]);
});

test('counting does not tell what hidden rows hold', async () => {
  const { as, database } = await createTestData(`
    CREATE TABLE pay (id int PRIMARY KEY, owner uuid, amount int);
    ALTER TABLE pay ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON pay USING (owner = (SELECT auth.user_id()));
    INSERT INTO pay SELECT i, '${ALICE}', 1 FROM generate_series(1, 1200) i;
    INSERT INTO pay SELECT i, '${BOB}', i FROM generate_series(2001, 3000) i;
    CREATE FUNCTION paid() RETURNS SETOF pay LANGUAGE sql STABLE AS 'SELECT * FROM pay';
    ANALYZE pay`);
  const total = async (token: string, query: string, count: string) => {
    const answer = await as(token)('GET', `${query}&limit=1`, { headers: { Prefer: `count=${count}` } });
    return answer.headers.get('Content-Range')?.split('/')[1];
  };
  for (const count of ['planned', 'estimated', 'exact']) {
    for (const relation of ['/pay', '/rpc/paid']) {
      expect(await total('alice', `${relation}?amount=gt.2500`, count), count).toBe('0');
      // More rows than are counted before the planner would be asked.
      expect(await total('alice', `${relation}?or=(amount.gt.2500,amount.eq.1)`, count), count).toBe('1200');
    }
  }
  // The operator sees all rows anyway, and gets a guess.
  expect(Number(await total('admin', '/pay?amount=gt.2500', 'planned'))).toBeGreaterThan(400);
  await database.query('DELETE FROM pay');
  expect(Number(await total('admin', '/pay?amount=gt.2500', 'planned'))).toBeGreaterThan(0);
});

test('what lies in other schemas is not to be had by a view, a function or a role', async () => {
  const { ask, get, as } = await setUp();
  for (const view of ['users_of_owner', 'statistics', 'tables']) {
    expect(await get(`/${view}`), view).toBe('403 42501 row_security_off');
  }
  // Everything that it reads has row-level security, but its caller has no right to it.
  expect(await get('/users')).toBe(DENIED);
  expect(await get('/rpc/emails')).toBe(DENIED);
  expect(await get('/rpc/applied')).toBe(DENIED);
  expect(await get('/rpc/secretly')).toBe(DENIED);
  for (const name of [
    'pg_sleep',
    'set_config',
    'current_setting',
    'pg_read_file',
    'lo_import',
    'dblink',
    'version',
    'jwt',
  ]) {
    expect(await refusal(await ask('POST', `/rpc/${name}`)), name).toBe('404 PGRST202 function_not_found');
  }
  for (const cast of ['regclass', 'regrole', 'regproc', 'regnamespace', 'regtype', 'oid', 'name', 'aclitem', 'users']) {
    expect(await refusal(await ask('GET', `/letters?select=body::${cast}`)), cast).toBe('400 42704 invalid_query');
  }
  expect(await refusal(await as(undefined)('GET', '/people?select=id'))).toBe('401 42501 permission_denied');
  const { paths } = (await (await ask('GET', '')).json()) as { paths: Record<string, unknown> };
  expect(Object.keys(paths).filter((path) => /users|statistics|tables/.test(path))).toEqual(['/users']);
});

test('nobody becomes somebody else by what the request or the token says', async () => {
  const { database, ask } = await setUp();
  await database.query(`
    CREATE FUNCTION who() RETURNS json LANGUAGE sql STABLE AS $$
      SELECT json_build_array(current_user, auth.user_id(), auth.jwt() ->> 'role', auth.org_id(),
        current_setting('request.method'), current_setting('request.path')) $$`);
  const headers = {
    'X-Reactor-Org': ACME,
    'X-User-Id': BOB,
    'X-Role': 'postgres',
    'request.jwt.claims': `{"sub":"${BOB}"}`,
    'request.jwt.claim.role': 'postgres',
    'X-HTTP-Method-Override': 'POST',
    Role: 'postgres',
    Cookie: `sub=${BOB}`,
    Forwarded: 'for=127.0.0.1',
  };
  expect(await (await ask('GET', '/rpc/who', { headers })).json()).toEqual([
    'reactor_authenticated',
    ALICE,
    'reactor_authenticated',
    ACME,
    'GET',
    '/data/v1/rpc/who',
  ]);
  const claims: readonly Record<string, unknown>[] = [
    { role: 'postgres', sub: BOB },
    { role: 'reactor_anon"; RESET ROLE; --' },
    { "a'b": "c'd", 'request.jwt.claims': {}, ['__proto__']: { sub: BOB } },
    { big: 'x'.repeat(1_000_000) },
    JSON.parse(`{"__proto__":{"role":"postgres","sub":"${BOB}"}}`),
  ];
  const asClaimed = (extra: Record<string, unknown>, path: string) => {
    const tokens = { verify: async () => user(ALICE, { claims: { sub: ALICE, ...extra } }) };
    const context = { logger: silentLogger, clock: systemClock, database, tokens };
    const { routes } = createData(parseDataConfig({}), context);
    return routes.request(path, { headers: { Authorization: 'Bearer x' } });
  };
  for (const extra of claims) {
    const answer = (await (await asClaimed(extra, '/rpc/who')).json()) as unknown[];
    expect(answer.slice(0, 3)).toEqual(['reactor_authenticated', ALICE, 'reactor_authenticated']);
  }
  // No text of PostgreSQL has these: a policy that looks at the claims refuses, and nothing fails.
  for (const name of ['a\u0000b', '\ud800']) expect((await asClaimed({ name }, '/letters')).status).toBe(400);
});
