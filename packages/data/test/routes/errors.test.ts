import { describe, expect, test } from 'vitest';
import { createTestData, jsonBody, refusal } from '../support/data.js';

const SCHEMA = `
  CREATE TABLE people (id int PRIMARY KEY, name text);
  CREATE TABLE letters (id int PRIMARY KEY, sender int REFERENCES people, recipient int REFERENCES people);
  ALTER TABLE people ENABLE ROW LEVEL SECURITY;
  ALTER TABLE letters ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON people USING (true);
  CREATE POLICY anybody ON letters USING (true);
  CREATE FUNCTION size(a int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION size(a int DEFAULT 1, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 2';
  CREATE FUNCTION sleep() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM pg_sleep(10)';
  CREATE FUNCTION fail(state text) RETURNS int LANGUAGE plpgsql AS $$
    BEGIN RAISE 'words of the inside' USING ERRCODE = state; END $$;
  CREATE FUNCTION read_gone() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT pg_read_file('/gone/inside') $$;
  CREATE FUNCTION divide(a int, b int) RETURNS int LANGUAGE sql AS 'SELECT a / b';
`;

// Shared by the tests that only read.
const { as } = await createTestData(SCHEMA);

describe('what is ambiguous is answered with the choices', () => {
  test('of an embed', async () => {
    const answer = await as('alice')('GET', '/letters?select=people(name)');
    expect(JSON.stringify(await answer.clone().json())).toMatch(/letters_recipient_fkey.*letters_sender_fkey/);
    expect(await refusal(answer)).toBe('300 PGRST201 ambiguous_embed');
    expect((await as('alice')('GET', '/letters?select=people!letters_sender_fkey(name)')).status).toBe(200);
  });

  test('of a function', async () => {
    expect(await refusal(await as('alice')('POST', '/rpc/size', {}))).toBe('300 PGRST203 ambiguous_function');
  });
});

test('details are text for clients of PostgREST, and data in the envelope', async () => {
  const answer = await as('alice')('GET', '/people?id=is.x');
  expect(await answer.json()).toMatchObject({
    error: { details: { parameter: 'id', character: 4 } },
    details: 'parameter: id; character: 4',
  });
});

test('what a type cannot do is the caller’s mistake', async () => {
  const get = async (query: string) => refusal(await as('alice')('GET', `/people?${query}`));
  expect(await get('id=like.1*')).toMatch(/^400 42883 statement_rejected$/);
  expect(await get('id=cs.{1}')).toMatch(/^400 (?:42883|22P02) /);
  expect(await get('name=match.(')).toBe('400 2201B invalid_value');
  expect(await get('name=fts.a b')).toMatch(/^400 42601 /);
  expect(await get('name=is.true')).toBe('400 42804 statement_rejected');
  expect(await refusal(await as('alice')('POST', '/rpc/divide', jsonBody({ a: 1, b: 0 })))).toBe(
    '400 22012 invalid_value',
  );
});

test('what may go better the next time says so', async () => {
  const { as, database } = await createTestData(SCHEMA, { config: { statementTimeoutMs: 50 } });
  const fail = async (state: string) => as('alice')('POST', '/rpc/fail', jsonBody({ state }));
  for (const answer of ['503 40001 write_conflict', '503 40P01 write_conflict', '504 55P03 lock_timeout']) {
    const raised = await fail(answer.split(' ')[1] as string);
    expect(raised.headers.get('Retry-After')).toBe('1');
    expect(await refusal(raised)).toBe(answer);
  }
  const gone = await as('alice')('POST', '/rpc/read_gone', {});
  expect(gone.headers.get('Retry-After')).toBe('1');
  expect(await gone.clone().text()).not.toContain('inside');
  expect(await refusal(gone)).toBe('503 58P01 database_unavailable');
  expect(await refusal(await as('alice')('POST', '/rpc/sleep', {}))).toBe('504 57014 statement_timeout');
  await database.close();
  const down = await as('alice')('GET', '/people');
  expect(down.headers.get('Retry-After')).toBe('1');
  expect(await refusal(down)).toBe('503 PGRST000 database_unavailable');
});

test('what the server itself did wrong keeps its words inside', async () => {
  for (const expected of [
    '500 XX000 internal_error',
    '500 55000 internal_error',
    '504 55P03 lock_timeout',
    '504 57014 statement_timeout',
  ]) {
    const answer = await as('alice')('POST', '/rpc/fail', jsonBody({ state: expected.split(' ')[1] }));
    expect(await answer.clone().text()).not.toContain('inside');
    expect(await refusal(answer)).toBe(expected);
  }
});

test('what only the app can mean by its code is for the caller', async () => {
  for (const [state, status] of [
    ['P0001', 400],
    ['ZZ123', 400],
    ['PT409', 409],
    ['PT503', 503],
    ['PT200', 400],
    ['PT999', 400],
  ] as const) {
    const answer = await as('alice')('POST', '/rpc/fail', jsonBody({ state }));
    expect(await refusal(answer)).toBe(`${status} ${state} raised_by_function`);
  }
});

test('what a function raises tells of no outage, whatever its code, and costs no connection', async () => {
  const { as, database } = await createTestData(SCHEMA);
  const backends = async () => {
    const { rows } = await database.query('SELECT pid FROM pg_stat_activity WHERE datname = current_database()');
    return rows.map(({ pid }) => pid);
  };
  await as('alice')('POST', '/rpc/fail', jsonBody({ state: 'P0001' }));
  const before = await backends();
  for (const [state, status] of [
    ['57P01', 500],
    ['57P03', 500],
    ['58030', 500],
    ['53300', 503],
    ['53400', 500],
    ['08006', 503],
    ['08P01', 503],
    ['28000', 403],
    ['28P01', 403],
    ['0P000', 403],
    ['3D000', 400],
  ] as const) {
    const answer = await as('alice')('POST', '/rpc/fail', jsonBody({ state }));
    expect(answer.headers.get('Retry-After')).toBeNull();
    expect(await answer.clone().json()).toMatchObject({ code: state, message: 'words of the inside' });
    expect(await refusal(answer)).toBe(`${status} ${state} raised_by_function`);
  }
  expect(await backends()).toEqual(expect.arrayContaining(before));
});

test('the request id is in the envelope and in the header', async () => {
  const answer = await as('alice')('GET', '/none', { headers: { 'X-Request-Id': 'mine-1' } });
  expect(answer.headers.get('X-Request-Id')).toBe('mine-1');
  expect(await answer.json()).toMatchObject({ error: { request_id: 'mine-1' } });
});
