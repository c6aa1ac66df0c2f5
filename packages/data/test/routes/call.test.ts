import { ALICE, BOB } from '@reactor/testing';
import { describe, expect, test } from 'vitest';
import { createTestData, jsonBody, refusal } from '../support/data.js';

const FUNCTIONS = `
  CREATE TABLE notes (id int PRIMARY KEY, owner uuid, title text);
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON notes USING (owner = (SELECT auth.user_id()));
  INSERT INTO notes VALUES (1, '${ALICE}', 'a'), (2, '${ALICE}', 'b'), (3, '${BOB}', 'c');
  CREATE FUNCTION add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
  CREATE FUNCTION total(VARIADIC numbers int[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS
    'SELECT sum(n) FROM unnest(numbers) n';
  CREATE FUNCTION mine() RETURNS SETOF notes LANGUAGE sql STABLE AS 'SELECT * FROM notes ORDER BY id';
  CREATE FUNCTION first_note() RETURNS notes LANGUAGE sql STABLE AS 'SELECT * FROM notes ORDER BY id LIMIT 1';
  CREATE FUNCTION words() RETURNS SETOF text LANGUAGE sql AS $$SELECT unnest(ARRAY['x', 'y'])$$;
  CREATE FUNCTION nothing() RETURNS text LANGUAGE sql AS 'SELECT NULL';
  CREATE FUNCTION rename(note int, new_title text) RETURNS void LANGUAGE sql AS
    'UPDATE notes SET title = new_title WHERE id = note';
  CREATE FUNCTION drop_all() RETURNS SETOF notes LANGUAGE sql AS 'DELETE FROM notes RETURNING *';
  CREATE FUNCTION who() RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_array(current_user, auth.user_id(), current_setting('request.method'),
      current_setting('request.path')) $$;
  CREATE FUNCTION whole(json) RETURNS json LANGUAGE sql AS 'SELECT $1';
  CREATE FUNCTION over(a int) RETURNS text LANGUAGE sql AS $$SELECT 'int'$$;
  CREATE FUNCTION over(a int, b int) RETURNS text LANGUAGE sql AS $$SELECT 'two'$$;
  CREATE FUNCTION raise_custom() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN RAISE 'teapot' USING ERRCODE = 'PT418', HINT = 'short and stout'; END $$;
  CREATE FUNCTION scratch() RETURNS bigint LANGUAGE plpgsql AS $$
    BEGIN
      CREATE TEMPORARY TABLE found ON COMMIT DROP AS SELECT id FROM notes;
      RETURN (SELECT count(*) FROM found);
    END $$;
  CREATE FUNCTION secret() RETURNS int LANGUAGE sql AS 'SELECT 1';
  REVOKE EXECUTE ON FUNCTION secret() FROM PUBLIC;
`;

// Shared by the tests that only read.
const { as } = await createTestData(FUNCTIONS);

describe('POST', () => {
  test('calls with named arguments and answers by the kind of result', async () => {
    const { as } = await createTestData(FUNCTIONS);
    const post = async (name: string, body?: unknown) => {
      const answer = await as('alice')('POST', `/rpc/${name}`, body === undefined ? {} : jsonBody(body));
      return [answer.status, answer.status === 204 ? await answer.text() : await answer.json()];
    };
    expect(await post('add', { a: 1, b: 2 })).toEqual([200, 3]);
    expect(await post('add', { a: 1 })).toEqual([200, 2]);
    expect(await post('total', { numbers: [1, 2, 3] })).toEqual([200, 6]);
    expect(await post('words')).toEqual([200, ['x', 'y']]);
    expect(await post('nothing', {})).toEqual([200, null]);
    expect(await post('mine')).toEqual([
      200,
      [
        { id: 1, owner: ALICE, title: 'a' },
        { id: 2, owner: ALICE, title: 'b' },
      ],
    ]);
    expect(await post('first_note')).toEqual([200, { id: 1, owner: ALICE, title: 'a' }]);
    expect(await post('rename', { note: 1, new_title: 'z' })).toEqual([204, '']);
    expect(await post('mine?select=title&id=eq.1')).toEqual([200, [{ title: 'z' }]]);
    expect(await post('over', { a: 1 })).toEqual([200, 'int']);
    expect(await post('over', { a: 1, b: 2 })).toEqual([200, 'two']);
    expect(await post('whole', { x: [1] })).toEqual([200, { x: [1] }]);
    expect(await post('who')).toEqual([200, ['reactor_authenticated', ALICE, 'POST', '/data/v1/rpc/who']]);
  });

  test('filters, orders, limits and counts a set', async () => {
    const answer = await as('alice')('POST', '/rpc/mine?order=id.desc&limit=1&select=id', {
      headers: { Prefer: 'count=exact' },
    });
    expect([answer.status, answer.headers.get('Content-Range'), await answer.json()]).toEqual([
      206,
      '0-0/2',
      [{ id: 2 }],
    ]);
    const past = await as('alice')('POST', '/rpc/mine?offset=3', { headers: { Prefer: 'count=exact' } });
    expect(await refusal(past)).toBe('416 PGRST103 range_not_satisfiable');
  });

  test('answers one object, CSV, or 406', async () => {
    const post = (path: string, Accept: string) => as('alice')('POST', `/rpc/${path}`, { headers: { Accept } });
    const object = 'application/vnd.pgrst.object+json';
    expect(await (await post('mine?id=eq.1&select=id', object)).json()).toEqual({ id: 1 });
    expect(await refusal(await post('mine', object))).toBe('406 PGRST116 not_one_row');
    expect((await (await post('mine?select=id', 'text/csv')).text()).trim()).toBe('id\n1\n2');
  });

  test('may use temporary tables, which are no change of the schema', async () => {
    expect(await (await as('alice')('POST', '/rpc/scratch')).json()).toBe(2);
    expect(await (await as('bob')('POST', '/rpc/scratch')).json()).toBe(1);
  });

  test('keeps what it writes only when all is well', async () => {
    const { as, database } = await createTestData(FUNCTIONS);
    const drop = (Prefer: string, Accept = '*/*') =>
      as('alice')('POST', '/rpc/drop_all', { headers: { Prefer, Accept } });
    const left = async () => (await database.query('SELECT FROM notes')).rowCount;
    expect(await (await drop('tx=rollback')).json()).toHaveLength(2);
    expect(await refusal(await drop('handling=strict, max-affected=1'))).toBe('400 PGRST124 too_many_rows_affected');
    expect(await refusal(await drop('', 'application/vnd.pgrst.object+json'))).toBe('406 PGRST116 not_one_row');
    expect(await left()).toBe(3);
    expect((await drop('handling=strict, max-affected=2')).status).toBe(200);
    expect(await left()).toBe(1);
  });
});

describe('GET', () => {
  test('takes arguments from the query, and filters', async () => {
    const get = async (path: string) => (await as('alice')('GET', `/rpc/${path}`)).json();
    expect(await get('add?a=1&b=2')).toBe(3);
    expect(await get('mine?id=eq.2&select=title')).toEqual([{ title: 'b' }]);
    expect(await get('total?numbers=1&numbers=2')).toBe(3);
    expect(await get('who')).toEqual(['reactor_authenticated', ALICE, 'GET', '/data/v1/rpc/who']);
    const head = await as('alice')('HEAD', '/rpc/mine', { headers: { Prefer: 'count=exact' } });
    expect([head.status, head.headers.get('Content-Range')]).toEqual([200, '0-1/2']);
  });

  test('does not write', async () => {
    const { as, database } = await createTestData(FUNCTIONS);
    const answer = await as('alice')('GET', '/rpc/drop_all');
    expect(answer.headers.get('Allow')).toBe('POST');
    expect(await refusal(answer)).toBe('405 25006 read_only');
    expect((await database.query('SELECT FROM notes')).rowCount).toBe(3);
  });
});

test('says what is wrong', async () => {
  const post = async (path: string, body: unknown, token: string | undefined = 'alice') =>
    refusal(await as(token)('POST', `/rpc/${path}`, jsonBody(body)));
  expect(await post('unknown', {})).toBe('404 PGRST202 function_not_found');
  expect(await post('add', {})).toBe('404 PGRST202 function_not_found');
  expect(await post('add', { a: 1, c: 2 })).toBe('404 PGRST202 function_not_found');
  expect(await post('add', { a: 'one' })).toBe('400 22P02 invalid_value');
  expect(await post('add', [1])).toMatch(/^400 PGRST102 invalid_body$/);
  expect(await post('pg_sleep', { seconds: 1 })).toBe('404 PGRST202 function_not_found');
  expect(await post('secret', {})).toBe('403 42501 permission_denied');
  expect(await refusal(await as(undefined)('POST', '/rpc/secret', {}))).toBe('401 42501 permission_denied');
  const custom = await as('alice')('POST', '/rpc/raise_custom', {});
  expect(await custom.clone().json()).toMatchObject({ hint: 'short and stout' });
  expect(await refusal(custom)).toBe('418 PT418 raised_by_function');
});
