import { expect, test } from 'vitest';
import { expectAnswers, ids } from '../support/answers.js';
import { CINEMA } from '../support/cinema.js';
import { createTestData, jsonBody, refusal } from '../support/data.js';

const FUNCTIONS = `${CINEMA}
CREATE FUNCTION add_them(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
CREATE FUNCTION greet(name text DEFAULT 'you') RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$Hi $$ || name';
CREATE FUNCTION "someFunc"("someParam" text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT "someParam"';
CREATE FUNCTION rename(p_json jsonb) RETURNS void LANGUAGE sql AS
  'UPDATE actors a SET name = j->>$$name$$ FROM jsonb_array_elements(p_json) j WHERE a.id = (j->>$$id$$)::int';
CREATE FUNCTION mult_them(json) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT ($1->>$$x$$)::int * ($1->>$$y$$)::int';
CREATE FUNCTION size_of(bytea) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT length($1)';
CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT upper($1)';
CREATE FUNCTION root_of(xml) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT (regexp_match($1::text, $$<(\\w+)$$))[1]';
CREATE FUNCTION plus_one(arr int[]) RETURNS int[] LANGUAGE sql IMMUTABLE AS 'SELECT array_agg(n + 1) FROM unnest(arr) n';
CREATE FUNCTION plus_each(VARIADIC v int[]) RETURNS int[] LANGUAGE sql IMMUTABLE AS
  'SELECT array_agg(n + 1) FROM unnest(v) n';
CREATE FUNCTION best_films(above numeric DEFAULT 8) RETURNS SETOF films LANGUAGE sql STABLE AS
  'SELECT * FROM films WHERE rating > above';
CREATE FUNCTION one_film(which int) RETURNS films LANGUAGE sql STABLE AS 'SELECT * FROM films WHERE id = which';
CREATE FUNCTION stats() RETURNS TABLE (language text, n int) LANGUAGE sql STABLE AS
  'SELECT language, count(*)::int FROM films WHERE language IS NOT NULL GROUP BY 1';
CREATE FUNCTION pair(OUT x int, OUT y text) LANGUAGE sql IMMUTABLE AS 'SELECT 1, $$two$$';
CREATE FUNCTION numbers(upto int) RETURNS SETOF int LANGUAGE sql IMMUTABLE AS 'SELECT generate_series(1, upto)';
CREATE FUNCTION nothing() RETURNS void LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION as_json() RETURNS json LANGUAGE sql IMMUTABLE AS 'SELECT json_build_object($$a$$, ARRAY[1, 2])';
CREATE FUNCTION feel(m mood) RETURNS mood LANGUAGE sql IMMUTABLE AS 'SELECT m';
CREATE FUNCTION duration(customer int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$all$$';
CREATE FUNCTION duration(customer int, since date) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$since $$ || since';
CREATE FUNCTION twin(a int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$int$$';
CREATE FUNCTION twin(a text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$text$$';
CREATE FUNCTION add_actor(who text) RETURNS SETOF actors LANGUAGE sql AS
  'INSERT INTO actors SELECT max(id) + 1, who FROM actors RETURNING *';
CREATE FUNCTION fail() RETURNS void LANGUAGE plpgsql AS $$
  BEGIN RAISE 'I refuse!' USING DETAIL = 'Pretty simple', HINT = 'There is nothing you can do.'; END $$;
CREATE FUNCTION pay() RETURNS void LANGUAGE plpgsql AS $$
  BEGIN RAISE SQLSTATE 'PT402' USING MESSAGE = 'Payment Required', HINT = 'Upgrade your plan'; END $$;
CREATE FUNCTION forbid() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE insufficient_privilege; END $$;
`;

// Shared by the tests that only read.
const data = await createTestData(FUNCTIONS);
const { as } = data;

test('arguments by name', async () => {
  await expectAnswers(data, [
    ['POST /rpc/add_them', 3, { body: { a: 1, b: 2 } }],
    ['GET /rpc/add_them?a=1&b=2', 3],
    ['HEAD /rpc/add_them?a=1&b=2', [200, ''], { show: ['status'] }],
    ['POST /rpc/greet', 'Hi you', { body: {} }],
    ['POST /rpc/greet', 'Hi you'],
    ['POST /rpc/greet', 'Hi Ann', { body: { name: 'Ann' } }],
    ['GET /rpc/greet?name=eq.5', 'Hi eq.5'],
    ['GET /rpc/greet?name=', 'Hi '],
    ['POST /rpc/greet', null, { body: { name: null } }],
    ['GET /rpc/someFunc?someParam=x', 'x'],
    ['POST /rpc/plus_one', [2, 3, 4, 5], { body: { arr: [1, 2, 3, 4] } }],
    ['POST /rpc/plus_one', [2, 3], { body: { arr: '{1,2}' } }],
    ['GET /rpc/plus_one?arr=%7B1,2%7D', [2, 3]],
    ['POST /rpc/plus_each', [2, 3], { body: { v: [1, 2] } }],
    ['GET /rpc/plus_each?v=1&v=2&v=3', [2, 3, 4]],
    ['GET /rpc/plus_each?v=1', [2]],
    ['GET /rpc/feel?m=happy', 'happy'],
    ['GET /rpc/feel?m=angry', '400 22P02 invalid_value'],
    ['GET /rpc/duration?customer=232', 'all'],
    ['GET /rpc/duration?customer=232&since=2018-07-01', 'since 2018-07-01'],
    ['GET /rpc/twin?a=1', '300 PGRST203 ambiguous_function'],
    ['GET /rpc/add_them?a=1', '404 PGRST202 function_not_found'],
    ['GET /rpc/add_them?a=1&b=2&c=3', '400 PGRST100 invalid_query'],
    ['GET /rpc/add_them?a=1&a=2&b=3', '400 PGRST100 invalid_query'],
    ['POST /rpc/add_them', '404 PGRST202 function_not_found', { body: { a: 1, c: 2 } }],
    ['POST /rpc/add_them', '400 PGRST102 invalid_body', { body: [1, 2] }],
    ['POST /rpc/nope', '404 PGRST202 function_not_found', { body: {} }],
    ['DELETE /rpc/add_them', '405 PGRST117 method_not_allowed'],
  ]);
});

test('other bodies: a form, one value, many objects', async () => {
  const typed = (type: string, body: string) => ({ body, headers: { 'Content-Type': type } });
  await expectAnswers(await createTestData(FUNCTIONS), [
    ['POST /rpc/add_them', 3, typed('application/x-www-form-urlencoded', 'a=1&b=2')],
    ['POST /rpc/plus_each', [2, 3, 4, 5], typed('application/x-www-form-urlencoded', 'v=1&v=2&v=3&v=4')],
    ['POST /rpc/add_them', '400 PGRST100 invalid_query', typed('application/x-www-form-urlencoded', 'a=1&a=2&b=3')],
    ['POST /rpc/mult_them', 8, { body: { x: 4, y: 2 } }],
    ['POST /rpc/shout', 'HELLO', typed('text/plain', 'hello')],
    ['POST /rpc/size_of', 5, typed('application/octet-stream', 'hello')],
    ['POST /rpc/root_of', 'a', typed('text/xml', '<a><b/></a>')],
    ['POST /rpc/root_of', '400 2200N invalid_value', typed('application/xml', '<a>')],
    ['POST /rpc/add_them', '404 PGRST202 function_not_found', typed('text/plain', 'hello')],
    ['POST /rpc/shout', '404 PGRST202 function_not_found', typed('application/octet-stream', 'hello')],
    ['POST /rpc/shout', '415 PGRST102 unsupported_media_type', typed('image/png', 'hello')],
    [
      'POST /rpc/rename',
      '',
      {
        body: {
          p_json: [
            { id: 1, name: 'Corinne M.' },
            { id: 2, name: 'T. Mifune' },
          ],
        },
      },
    ],
    ['GET /actors?select=name&id=lt.3&order=id', [{ name: 'Corinne M.' }, { name: 'T. Mifune' }]],
  ]);
});

test('a body of the wrong type is named as the reason', async () => {
  const answer = await as('alice')('POST', '/rpc/add_them', { body: '{"a": 1, "b": 2}' });
  expect(await answer.json()).toMatchObject({
    code: 'PGRST202',
    message: expect.stringContaining('of type text that has no name, which the Content-Type of the body asks for'),
    hint: 'It can be called as add_them(a integer, b integer).',
  });
});

test('the shape of the answer follows the type of the result', async () => {
  await expectAnswers(await createTestData(FUNCTIONS), [
    ['GET /rpc/pair', { x: 1, y: 'two' }],
    ['GET /rpc/pair?select=z:y', { z: 'two' }],
    ['GET /rpc/as_json', { a: [1, 2] }],
    ['GET /rpc/numbers?upto=3', [1, 2, 3]],
    ['GET /rpc/numbers?upto=9&limit=2&offset=4', [5, 6]],
    ['POST /rpc/nothing', [204, ''], { show: ['status'] }],
    ['GET /rpc/one_film?which=4&select=title', { title: '12 Angry Men' }],
    ['GET /rpc/stats?n=gt.1', [{ language: 'ja', n: 2 }]],
    ['GET /rpc/stats?select=language&order=language.desc&limit=1', [{ language: 'ja' }]],
    ['GET /rpc/add_them?a=1&b=2&select=x', '400 PGRST100 invalid_query'],
    ['GET /rpc/stats?select=films(id)', '400 PGRST200 relationship_not_found'],
  ]);
});

test('a set of rows is read like a table', async () => {
  await expectAnswers(data, [
    ['GET /rpc/best_films?select=title&order=rating.desc&limit=1', [{ title: '12 Angry Men' }]],
    ['GET /rpc/best_films?rating=gt.8.5&order=title.desc&select=id', ids(2, 4)],
    [
      'GET /rpc/best_films?above=8.5&select=id,director:directors(last_name)&language=eq.en',
      [{ id: 4, director: { last_name: 'Lumet' } }],
    ],
    [
      'GET /rpc/best_films?select=id,roles!inner(character)&roles.character=eq.Sanjuro',
      [{ id: 3, roles: [{ character: 'Sanjuro' }] }],
    ],
    [
      'GET /rpc/best_films?select=id,...directors(by:last_name)&order=directors(last_name),id.desc&limit=1',
      [{ id: 3, by: 'Kurosawa' }],
    ],
    ['GET /rpc/best_films?select=rating.max(),count()', [{ max: 9, count: 3 }]],
    ['GET /rpc/best_films?select=id&or=(id.eq.2,year.gt.1960)&order=id', ids(2, 3)],
    ['POST /rpc/best_films?select=id&language=eq.ja&order=id', ids(2, 3), { body: { above: 1 } }],
    ['POST /rpc/best_films?select=id', ids(4), { body: { above: 8.7 }, headers: { Range: '0-0' } }],
    ['GET /rpc/best_films?select=id&id=eq.4', { id: 4 }, { headers: { Accept: 'application/vnd.pgrst.object+json' } }],
    [
      'GET /rpc/best_films?select=id',
      '406 PGRST116 not_one_row',
      { headers: { Accept: 'application/vnd.pgrst.object+json' } },
    ],
    [
      'GET /rpc/best_films?select=id,language&order=id&limit=1',
      'id,language\n2,ja',
      { headers: { Accept: 'text/csv' } },
    ],
  ]);
});

test('only POST writes', async () => {
  await expectAnswers(await createTestData(FUNCTIONS), [
    ['POST /rpc/add_actor', [{ id: 5, name: 'Jean' }], { body: { who: 'Jean' } }],
    ['GET /rpc/add_actor?who=Jean', ['POST', '405 25006 read_only'], { show: ['Allow'] }],
    ['GET /actors?select=id&name=eq.Jean', ids(5)],
  ]);
});

test('errors that a function raises', async () => {
  const data = await createTestData(FUNCTIONS);
  await expectAnswers(data, [
    ['POST /rpc/fail', '400 P0001 raised_by_function'],
    ['POST /rpc/pay', '402 PT402 raised_by_function'],
    ['POST /rpc/forbid', '403 42501 permission_denied'],
  ]);
  const failed = await data.as('alice')('POST', '/rpc/fail', jsonBody({}));
  expect(await failed.json()).toMatchObject({
    code: 'P0001',
    message: 'I refuse!',
    details: 'Pretty simple',
    hint: 'There is nothing you can do.',
  });
  expect(await refusal(await data.as(undefined)('POST', '/rpc/forbid'))).toBe('401 42501 permission_denied');
});
