import { expect, test } from 'vitest';
import { argumentNames, type PlanRow, planCall } from '../src/plan/index.js';
import { parseReadRequest } from '../src/query/index.js';
import { FILMS } from './support/films.js';
import { planned } from './support/planned.js';

const FUNCTIONS = `${FILMS};
  CREATE FUNCTION add(a int, b int DEFAULT 10) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
  CREATE FUNCTION nothing() RETURNS void LANGUAGE sql AS 'INSERT INTO actors VALUES (100, $$called$$)';
  CREATE FUNCTION maybe(t text) RETURNS text LANGUAGE sql STABLE AS 'SELECT nullif(t, $$none$$)';
  CREATE FUNCTION numbers(upto int) RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT generate_series(1, upto)';
  CREATE FUNCTION films_of(director int) RETURNS SETOF films LANGUAGE sql STABLE AS 'SELECT * FROM films WHERE director_id = director ORDER BY id';
  CREATE FUNCTION one_film(which int) RETURNS films LANGUAGE sql STABLE AS 'SELECT * FROM films WHERE id = which';
  CREATE FUNCTION stats() RETURNS TABLE (language text, n bigint) LANGUAGE sql STABLE AS 'SELECT language, count(*) FROM films GROUP BY 1';
  CREATE FUNCTION pair(OUT x int, OUT y text) LANGUAGE sql IMMUTABLE AS 'SELECT 1, $$two$$';
  CREATE FUNCTION joined(VARIADIC words text[]) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT array_to_string(words, $$-$$)';
  CREATE FUNCTION total(amounts numeric[], info jsonb DEFAULT '{}') RETURNS numeric LANGUAGE sql IMMUTABLE
    AS 'SELECT sum(x) + coalesce((info->>$$more$$)::numeric, 0) FROM unnest(amounts) x';
  CREATE FUNCTION echo(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS 'SELECT $1';
  CREATE FUNCTION over(a int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$one$$';
  CREATE FUNCTION over(a int, b int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$two$$';
  CREATE FUNCTION over(a int, b int, c int DEFAULT 0) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$three$$';
  CREATE FUNCTION twin(a int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$int$$';
  CREATE FUNCTION twin(a text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $$text$$';
  CREATE TABLE calls (n int);
  CREATE FUNCTION counted() RETURNS SETOF actors LANGUAGE sql VOLATILE AS 'INSERT INTO calls VALUES (1); SELECT * FROM actors';
`;

const body = ({ body: text }: PlanRow) => (text === null ? undefined : (JSON.parse(text) as unknown));

// Shared by the tests that only read.
const db = await planned(FUNCTIONS);

test('what a function returns decides the shape of the answer', async () => {
  const cases: [url: string, sent: unknown, expected: unknown][] = [
    ['add', { a: 1, b: 2 }, 3],
    ['add', { b: 2, a: 1 }, 3],
    ['add', { a: 1 }, 11],
    ['add', { a: 1, b: null }, null],
    ['maybe', { t: 'x"y' }, 'x"y'],
    ['maybe', { t: 'none' }, null],
    ['numbers', { upto: 3 }, [1, 2, 3]],
    ['numbers', { upto: 0 }, []],
    ['numbers?limit=2&offset=1', { upto: 9 }, [2, 3]],
    ['pair', {}, { x: 1, y: 'two' }],
    ['pair?select=z:y', {}, { z: 'two' }],
    ['one_film?select=title', { which: 4 }, { title: '12 Angry Men' }],
    ['films_of?select=title&year=gt.1960', { director: 2 }, [{ title: 'Yojimbo, "the bodyguard"' }]],
    [
      'films_of?select=id,directors(last_name)&order=id.desc&limit=1',
      { director: 2 },
      [{ id: 3, directors: { last_name: 'Kurosawa' } }],
    ],
    ['films_of?select=count()', { director: 2 }, [{ count: 2 }]],
    ['stats?n=gt.1', {}, [{ language: 'ja', n: 2 }]],
    ['joined', { words: ['a', 'b'] }, 'a-b'],
    ['joined', { words: [] }, ''],
    ['total', { amounts: [1, 2.5] }, 3.5],
    ['total', { amounts: [1], info: { more: 2 } }, 3],
    ['echo', { any: [1] }, { any: [1] }],
    ['echo', [1, 2], [1, 2]],
    ['over', { a: 1 }, 'one'],
    ['over', { a: 1, b: 2, c: 3 }, 'three'],
    ['add?a=1&b=2', undefined, 3],
    ['add?a=1', undefined, 11],
    ['maybe?t=eq.5', undefined, 'eq.5'],
    ['films_of?director=2&select=id&id=gt.2', undefined, [{ id: 3 }]],
    ['joined?words=a&words=b,"c', undefined, 'a-b,"c'],
    ['total?amounts={1,2}&info={"more":1}', undefined, 4],
    ['pair', undefined, { x: 1, y: 'two' }],
  ];
  const answers = await Promise.all(
    cases.map(async ([url, sent]) => [
      url,
      sent,
      body(await db.call(url, sent).catch((e) => ({ body: JSON.stringify(String(e)) }) as PlanRow)),
    ]),
  );
  expect(answers).toEqual(cases);
});

test('a void function runs and has nothing to say', async () => {
  const db = await planned(FUNCTIONS);
  expect(await db.call('nothing', {})).toEqual({ body: null, row_count: '0', total_count: null, affected_count: null });
  expect(await db.get('actors?id=eq.100')).toHaveLength(1);
});

test('formats and counts; a counted function runs once', async () => {
  const db = await planned(FUNCTIONS);
  expect(await db.call('counted?limit=1', {}, { count: 'exact' })).toMatchObject({ row_count: '1', total_count: '4' });
  expect(await db.get('calls')).toHaveLength(1);
  expect(await db.call('numbers', { upto: 50 }, { count: 'estimated', maxRows: 10 })).toMatchObject({
    row_count: '10',
    total_count: null,
  });
  expect((await db.call('numbers', { upto: 2 }, { format: 'csv' })).body).toBe('numbers\n1\n2');
  expect((await db.call('pair', {}, { format: 'csv' })).body).toBe('x,y\n1,two');
  expect((await db.call('films_of?select=id', { director: 2 }, { format: 'object' })).body).toBe('{"id":2}');
  for (const [name, input] of [
    ['films_of', '{"director":2}'],
    ['numbers', '{"upto":5}'],
  ] as const) {
    const plan = planCall(db.model, name, input, parseReadRequest([['limit', '1']]), { count: 'planned' });
    expect(plan.function.volatility).toBe('stable');
    const [row] = await db.query(plan.estimate?.text ?? '', plan.estimate?.values);
    expect(JSON.stringify(row)).toContain('Plan Rows');
  }
});

test('a call that fits no function, or several, is refused', async () => {
  expect(argumentNames(db.model, 'over')).toEqual(new Set(['a', 'b', 'c']));
  const cases: [url: string, sent: unknown, expected: object][] = [
    ['ad', {}, { code: 'PGRST202', status: 404, hint: 'Perhaps "add" was meant.' }],
    ['ad', undefined, { code: 'PGRST202', status: 404 }],
    ['pg_sleep', { seconds: 1 }, { code: 'PGRST202', status: 404 }],
    ['add', {}, { code: 'PGRST202', details: { functions: ['add(a integer, b integer DEFAULT …)'] } }],
    ['add', { a: 1, c: 2 }, { code: 'PGRST202', message: 'there is no function "add" with the arguments "a", "c"' }],
    ['add', [1], { code: 'PGRST102', status: 400 }],
    ['add', 5, { code: 'PGRST102' }],
    ['over', { a: 1, b: 2 }, { code: 'PGRST203' }],
    ['twin', { a: 1 }, { code: 'PGRST203', status: 300, reason: 'ambiguous_function' }],
    ['add?a=1&a=2', undefined, { code: 'PGRST100', message: 'the argument "a" is given 2 times' }],
    ['add?select=x', { a: 1 }, { code: 'PGRST100', message: 'the result of "add" has no columns' }],
    ['numbers?order=x', { upto: 1 }, { code: 'PGRST100' }],
    ['stats?select=nope', {}, { code: '42703', message: '"stats" has no column "nope"' }],
    ['stats?select=directors(id)', {}, { code: 'PGRST200', message: '"stats" has no relationships' }],
    ['add', { a: 'x' }, { code: '22P02' }],
    ['add?a=x', undefined, { code: '22P02' }],
  ];
  for (const [url, sent, expected] of cases) await expect(db.call(url, sent), url).rejects.toMatchObject(expected);
});
