import { describe, expect, test } from 'vitest';
import { createTestData, jsonBody, refusal } from '../support/data.js';

/** In rows that nobody may read. */
const SECRET = 'the secret of the operator';

const SCHEMA = `
  CREATE TABLE open (id serial PRIMARY KEY, body text);
  INSERT INTO open (body) VALUES ('${SECRET}');
  CREATE TABLE safe (id serial PRIMARY KEY, body text); ALTER TABLE safe ENABLE ROW LEVEL SECURITY;
  INSERT INTO safe (body) VALUES ('${SECRET}');
  CREATE TABLE parted (id int, body text) PARTITION BY LIST (id);
  ALTER TABLE parted ENABLE ROW LEVEL SECURITY;
  CREATE TABLE part PARTITION OF parted FOR VALUES IN (1);
  INSERT INTO parted VALUES (1, '${SECRET}');
  CREATE TABLE child (n int) INHERITS (safe);
  INSERT INTO child (body) VALUES ('${SECRET}');
  CREATE VIEW as_owner AS SELECT * FROM safe;
  CREATE VIEW on_owners WITH (security_invoker) AS SELECT * FROM as_owner;
  CREATE VIEW over_all WITH (security_invoker) AS SELECT * FROM safe UNION ALL SELECT * FROM open;
  CREATE VIEW toggled WITH (security_invoker) AS SELECT * FROM safe;
  CREATE MATERIALIZED VIEW kept AS SELECT * FROM safe;
  CREATE SCHEMA hidden;
  CREATE TABLE hidden.rows AS SELECT * FROM safe;
  CREATE FUNCTION hidden.read() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT body FROM hidden.rows';
  -- What an app may well have: a function that runs the SQL of its caller.
  CREATE FUNCTION peek(query text) RETURNS SETOF text LANGUAGE plpgsql AS
    $$ BEGIN RETURN QUERY EXECUTE query; END $$;
  CREATE FUNCTION run(command text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE command; END $$;
  GRANT EXECUTE ON FUNCTION peek, run TO reactor_anon;
  CREATE FUNCTION secretly() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT body FROM safe';
`;

async function setUp() {
  const data = await createTestData(SCHEMA);
  /** Whatever the request, the secret is not in its answer. */
  const ask = async (token: string | undefined, method: string, path: string, init: RequestInit = {}) => {
    const answer = await data.as(token)(method, path, init);
    const everything = `${JSON.stringify([...answer.headers])} ${await answer.clone().text()}`;
    expect(everything, `${method} ${path} ${init.body}`).not.toContain(SECRET);
    return answer;
  };
  /** Any SQL, as the role of the caller. */
  const peek = (token: string | undefined, query: string) => ask(token, 'POST', '/rpc/peek', jsonBody({ query }));
  const reload = () => data.as('admin')('POST', '/_admin/reload');
  return { ...data, ask, peek, reload };
}

const DENIED = /^40[13] 42501 permission_denied$/;

const CALLERS = ['alice', undefined] as const;

describe('any SQL of a caller', () => {
  test('finds nothing where no policy holds', async () => {
    const { ask, peek } = await setUp();
    for (const caller of CALLERS) {
      for (const query of [
        'SELECT body FROM open',
        'SELECT body FROM part',
        'SELECT body FROM child',
        'SELECT body FROM ONLY child',
        'SELECT body FROM as_owner',
        'SELECT body FROM on_owners',
        'SELECT body FROM over_all',
        'SELECT body FROM kept',
        'SELECT body FROM hidden.rows',
        'SELECT hidden.read()',
        'SELECT o::text FROM open o',
        'TABLE open',
        'INSERT INTO open (body) SELECT body FROM open RETURNING body',
        'UPDATE open SET body = body RETURNING body',
        'DELETE FROM kept RETURNING body',
        `SELECT query_to_xml('SELECT body FROM open', true, false, '')::text`,
        `SELECT table_to_xml('open', true, false, '')::text`,
        `SELECT nextval('open_id_seq')::text`,
        `SELECT given::text FROM reactor_data.grants`,
        `UPDATE reactor_data.grants SET given = '{}' RETURNING name`,
      ]) {
        expect(await refusal(await peek(caller, query)), query).toMatch(DENIED);
      }
      for (const command of [
        'REFRESH MATERIALIZED VIEW kept',
        'CREATE VIEW mine AS SELECT body FROM open',
        'ALTER TABLE safe DISABLE ROW LEVEL SECURITY',
        'ALTER VIEW as_owner SET (security_invoker = true)',
        'CREATE POLICY all_of_it ON safe USING (true)',
        'DROP VIEW as_owner',
        'GRANT SELECT ON open TO reactor_anon',
        'ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO reactor_anon',
        'TRUNCATE safe',
        'LOCK TABLE open',
        'CREATE FUNCTION mine() RETURNS int LANGUAGE sql RETURN 1',
        `CALL reactor_data.prepare_role('reactor_anon', 'postgres')`,
      ]) {
        const answer = await ask(caller, 'POST', '/rpc/run', jsonBody({ command }));
        expect(await refusal(answer), command).toMatch(DENIED);
      }
      // Through a parent its policies decide, also about the rows of its parts.
      for (const query of ['SELECT body FROM safe', 'SELECT body FROM parted', 'SELECT body FROM toggled']) {
        expect(await (await peek(caller, query)).json(), query).toEqual([]);
      }
    }
  });

  test('finds nothing in what changed, once the schema is read', async () => {
    const { peek, reload, database } = await setUp();
    for (const [change, query] of [
      ['ALTER TABLE safe DISABLE ROW LEVEL SECURITY', 'SELECT body FROM safe'],
      ['SELECT 1', 'SELECT body FROM toggled'],
      [
        'ALTER TABLE safe ENABLE ROW LEVEL SECURITY; ALTER VIEW toggled SET (security_invoker = false)',
        'SELECT body FROM toggled',
      ],
      ['CREATE OR REPLACE VIEW toggled WITH (security_invoker) AS SELECT * FROM as_owner', 'SELECT body FROM toggled'],
      ['CREATE TABLE late AS SELECT * FROM safe', 'SELECT body FROM late'],
      ['CREATE MATERIALIZED VIEW late_kept AS SELECT * FROM safe', 'SELECT body FROM late_kept'],
      [
        `CREATE TABLE part2 PARTITION OF parted FOR VALUES IN (2); INSERT INTO part2 VALUES (2, '${SECRET}')`,
        'SELECT body FROM part2',
      ],
    ] as const) {
      await database.query(change);
      await reload();
      for (const caller of CALLERS) expect((await peek(caller, query)).status, change).toBeGreaterThanOrEqual(400);
    }
  });
});

test('a definer’s function is closed to who is not signed in, also when it was made between two readings', async () => {
  const { ask, peek, reload, database } = await setUp();
  expect(await refusal(await ask(undefined, 'POST', '/rpc/secretly'))).toBe('401 42501 permission_denied');
  expect(await refusal(await peek(undefined, 'SELECT secretly()'))).toBe('401 42501 permission_denied');
  await database.query(
    `CREATE FUNCTION late() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT body FROM safe'`,
  );
  // Nobody knows it before it is read, and then it is closed.
  expect((await ask(undefined, 'POST', '/rpc/late')).status).toBeGreaterThanOrEqual(400);
  await reload();
  expect(await refusal(await ask(undefined, 'POST', '/rpc/late'))).toBe('401 42501 permission_denied');
  expect(await refusal(await peek(undefined, 'SELECT late()'))).toBe('401 42501 permission_denied');
  await database.query(
    `CREATE OR REPLACE FUNCTION late() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT body FROM safe'`,
  );
  await reload();
  expect(await refusal(await ask(undefined, 'POST', '/rpc/late'))).toBe('401 42501 permission_denied');
});

test('what the app grants to PUBLIC is its own, is still not served, and doctor says so', async () => {
  const { data, as, reload, database } = await setUp();
  await database.query('GRANT SELECT ON open TO PUBLIC');
  await reload();
  for (const caller of CALLERS) expect((await as(caller)('GET', '/open')).status).toBe(403);
  const probe = data.probes.find(({ name }) => name === 'grants');
  expect(await probe?.run(AbortSignal.timeout(5_000))).toMatchObject({
    status: 'warn',
    message: expect.stringContaining('Granted by the app, although no policy applies: table open (PUBLIC SELECT)'),
  });
});
