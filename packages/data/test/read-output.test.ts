import { expect, test } from 'vitest';
import { planRead } from '../src/plan/index.js';
import { parseReadRequest } from '../src/query/index.js';
import { FILMS } from './support/films.js';
import { planned } from './support/planned.js';

test('the first row as an object, and without the members that are null', async () => {
  const db = await planned(FILMS);
  expect(await db.row('actors?id=eq.1', { format: 'object' })).toMatchObject({
    body: '{"id":1,"name":"Corinne"}',
    row_count: '1',
  });
  expect(await db.row('actors?id=eq.9', { format: 'object' })).toMatchObject({ body: 'null', row_count: '0' });
  expect((await db.row('actors', { format: 'object' })).row_count).toBe('4');
  expect(await db.get('films?select=id,rating,d:directors(id)&id=eq.5', { stripNulls: true })).toEqual([{ id: 5 }]);
});

test('CSV quotes what needs it and tells null from the empty text', async () => {
  const db = await planned(`
    CREATE TABLE t (id int, "a,""b" text);
    INSERT INTO t VALUES (1, 'plain'), (2, 'with, comma'), (3, 'with "quote"'), (4, E'two\\nlines'), (5, ''), (6, NULL)
  `);
  expect((await db.row('t?order=id', { format: 'csv' })).body).toBe(
    ['id,"a,""b"', '1,plain', '2,"with, comma"', '3,"with ""quote"""', '4,"two\nlines"', '5,""', '6,'].join('\n'),
  );
  expect((await db.row('t?select=x:id&id=eq.9', { format: 'csv' })).body).toBe('x');
});

test('values arrive as PostgreSQL writes them, large numbers too', async () => {
  const db = await planned(`
    CREATE TYPE point3 AS (x int, y text);
    CREATE TABLE t (a bigint, b numeric, c timestamptz, d bytea, e point3, f int4range, g json, h text);
    INSERT INTO t VALUES (9007199254740993, 1.10, '2024-01-01T00:00:00Z', '\\x00ff', '(1,b)', '[1,5)', '{"k" : 1}', E'\\u2028"');
  `);
  const { body } = await db.row('t');
  expect(body).toContain('"a":9007199254740993,"b":1.10,');
  expect(JSON.parse(body ?? '')).toMatchObject([
    { d: '\\x00ff', e: { x: 1, y: 'b' }, f: '[1,5)', g: { k: 1 }, h: '\u2028"' },
  ]);
  expect(await db.get('t?select=e->>y,e->x')).toEqual([{ y: 'b', x: 1 }]);
});

test('more than fifty columns with an alias among them', async () => {
  const columns = Array.from({ length: 130 }, (_, index) => `c${index}`);
  const db = await planned(`
    CREATE TABLE wide (${columns.map((name) => `${name} text DEFAULT '{"${name}"}'`).join(', ')});
    INSERT INTO wide DEFAULT VALUES;
  `);
  const [row] = (await db.get('wide?select=*,again:c0')) as Record<string, string>[];
  expect(Object.keys(row ?? {})).toEqual([...columns, 'again']);
  expect(row).toMatchObject({ c0: '{"c0"}', c49: '{"c49"}', c50: '{"c50"}', c129: '{"c129"}', again: '{"c0"}' });
});

test('a column may be called what a statement calls its parts', async () => {
  const names = 't1 t2 t3 c0 json body value called written result n v o key "'.split(' ');
  const columns = names.map((name) => `"${name.replaceAll('"', '""')}" text`);
  const db = await planned(`
    CREATE TABLE t2 (id int PRIMARY KEY, ${columns.join(', ')});
    CREATE TABLE t1 (id int PRIMARY KEY, t2 int REFERENCES t2);
    CREATE FUNCTION called() RETURNS SETOF t2 LANGUAGE sql STABLE AS 'SELECT * FROM t2';
  `);
  const row = Object.fromEntries([['id', 1], ...names.map((name) => [name, `${name}!`])]);
  expect(JSON.parse((await db.post('t2', row)).body ?? '')).toEqual([row]);
  expect(await db.get('t2')).toEqual([row]);
  expect(await db.get('t2?select=*,again:id')).toEqual([{ ...row, again: 1 }]);
  expect(JSON.parse((await db.patch('t2?id=eq.1', { body: 'x', t1: 'y' })).body ?? '')).toEqual([
    { ...row, body: 'x', t1: 'y' },
  ]);
  expect(JSON.parse((await db.call('called?v=eq.v!&order=n', {}, { count: 'exact' })).body ?? '')).toHaveLength(1);
  expect((await db.row('t2?select=v,o,"\\""', { format: 'csv' })).body).toBe('v,o,""""\nv!,o!,"""!"');
  await db.post('t1', { id: 1, t2: 1 });
  expect(await db.get('t1?select=*,of:t2(t2,n)')).toEqual([{ id: 1, t2: 1, of: { t2: 't2!', n: 'n!' } }]);
  expect(await db.get('t2?select=t1(*)&id=eq.1')).toEqual([{ t1: [{ id: 1, t2: 1 }] }]);
});

test('counts', async () => {
  const db = await planned(
    `${FILMS}; INSERT INTO actors SELECT n, 'extra' FROM generate_series(10, 1009) n; ANALYZE actors`,
  );
  expect(await db.row('actors')).toMatchObject({ row_count: '1004', total_count: null, affected_count: null });
  expect(await db.row('actors?limit=2', { count: 'exact' })).toMatchObject({ row_count: '2', total_count: '1004' });
  expect(await db.row('actors?offset=1000', { count: 'exact' })).toMatchObject({ row_count: '4', total_count: '1004' });
  expect(await db.row('actors?name=eq.extra', { count: 'exact' })).toMatchObject({ total_count: '1000' });
  expect(await db.row('films?select=language,count()&limit=1', { count: 'exact' })).toMatchObject({ total_count: '4' });
  expect(await db.row('actors?select=id,films!inner()&limit=1', { count: 'exact' })).toMatchObject({
    total_count: '3',
  });

  const few = { count: 'estimated', maxRows: 10 } as const;
  expect(await db.row('actors?id=lt.10', few)).toMatchObject({ row_count: '4', total_count: '4' });
  expect(await db.row('actors', few)).toMatchObject({ row_count: '10', total_count: null });
});

test('what the planner guesses takes the same filters', async () => {
  const db = await planned(
    `${FILMS}; INSERT INTO actors SELECT n, 'extra' FROM generate_series(10, 1009) n; ANALYZE actors`,
  );
  const guess = async (url: string) => {
    const [relation = '', query = ''] = url.split('?', 2);
    const plan = planRead(db.model, relation, parseReadRequest(new URLSearchParams(query)), { count: 'planned' });
    expect((await db.run(plan)).total_count).toBeNull();
    const [row] = await db.query(plan.estimate?.text ?? '', plan.estimate?.values);
    return JSON.parse(JSON.stringify(row?.['QUERY PLAN']))[0].Plan['Plan Rows'];
  };
  expect(await guess('actors?select=who:name&limit=3&offset=1&order=name')).toBe(1004);
  expect(await guess('actors?select=x:name&name=eq.extra&limit=3')).toBe(1000);
  expect(await guess('actors?select=n:name,count()&order=name&limit=1')).toBe(5);
  expect(await guess('actors?select=id,f:films!inner(t:title)&f.title=eq.x&limit=1')).toBeGreaterThan(0);
});

test('no list is longer than allowed', async () => {
  const db = await planned(FILMS);
  expect(await db.get('actors?select=id&order=id', { maxRows: 2 })).toEqual([{ id: 1 }, { id: 2 }]);
  expect(await db.get('actors?select=id&order=id&limit=1', { maxRows: 2 })).toEqual([{ id: 1 }]);
  expect(await db.get('actors?select=id&order=id&limit=99', { maxRows: 2 })).toHaveLength(2);
  expect(await db.get('directors?select=id,films(id)&id=eq.2&films.order=id', { maxRows: 1 })).toEqual([
    { id: 2, films: [{ id: 2 }] },
  ]);
});

test.each([
  ['int', '7'],
  ['bigint', '7'],
  ['uuid', '0190a000-0000-7000-8000-000000000007'],
  ['text', 'x7'],
  ['varchar(10)', 'x7'],
  ['numeric', '7.5'],
  ['timestamptz', '2024-01-07'],
  ['public.mood', 'fine'],
])('a filter on an indexed column of type %s uses the index', async (type, value) => {
  const db = await planned(`
    CREATE TYPE mood AS ENUM ('fine');
    CREATE TABLE t (k ${type}, other int);
    CREATE INDEX ON t (k);
    SET enable_seqscan = off; SET enable_bitmapscan = off;
  `);
  for (const filter of [`eq.${value}`, `in.(${value},${value})`, `gt.${value}`, `eq(any).{${value}}`]) {
    const { text, values } = planRead(db.model, 't', parseReadRequest([['k', filter]]));
    const [plan] = await db.query(`EXPLAIN (FORMAT JSON) ${text}`, values);
    expect(JSON.stringify(plan)).toContain('Index Cond');
  }
});

test('a page is cut before its lists are embedded', async () => {
  const db = await planned(`${FILMS}; INSERT INTO directors SELECT n, 'a', 'b' FROM generate_series(10, 500) n`);
  const query = parseReadRequest(new URLSearchParams('select=id,films(id)&order=last_name,id&limit=3'));
  const { text, values } = planRead(db.model, 'directors', query);
  const [plan] = await db.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
  const loops: number[] = [];
  JSON.stringify(plan, (key, value) => {
    if (key === 'Actual Loops') loops.push(value as number);
    return value;
  });
  expect(Math.max(...loops)).toBe(3);
});
