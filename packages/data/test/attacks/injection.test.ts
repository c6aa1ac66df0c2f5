import { ALICE, BOB } from '@reactor/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTestData, jsonBody } from '../support/data.js';
import { createRecordedData, type RecordedData } from '../support/recorded.js';

/** Stands in every word that the caller makes up; no statement may have it. */
const MARK = '☠';
const SECRET = 'the canary sings';

const SCHEMA = `
  CREATE SCHEMA vault;
  CREATE TABLE vault.secrets (id int PRIMARY KEY, body text);
  INSERT INTO vault.secrets VALUES (1, '${SECRET}');
  CREATE TYPE mood AS ENUM ('sad', 'happy');
  CREATE TABLE owners (id int PRIMARY KEY, name text);
  CREATE TABLE things (
    id int PRIMARY KEY, owner int REFERENCES owners, who uuid, name text, tags text[], info jsonb, mood mood
  );
  ALTER TABLE owners ENABLE ROW LEVEL SECURITY;
  ALTER TABLE things ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON owners FOR SELECT USING (true);
  CREATE POLICY own ON things USING (who = (SELECT auth.user_id()));
  INSERT INTO owners VALUES (1, 'Ann');
  INSERT INTO things VALUES
    (1, 1, '${ALICE}', 'of Alice', '{a}', '{"a": 1}', 'sad'), (2, 1, '${BOB}', '${SECRET}', '{b}', '{"b": 2}', NULL);
  CREATE FUNCTION say(word text, other text DEFAULT 'none') RETURNS text LANGUAGE sql STABLE AS 'SELECT word';
  CREATE FUNCTION several(VARIADIC words text[]) RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT unnest(words)';
  CREATE FUNCTION found() RETURNS SETOF things LANGUAGE sql VOLATILE AS 'SELECT * FROM things';
`;

interface Attack {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

const query = (name: string, value: string, rest = '') => `${new URLSearchParams([[name, value]])}${rest}`;
const get = (name: string, value: string): Attack => ({ method: 'GET', path: `/things?${query(name, value)}` });
const segment = (text: string) => encodeURIComponent(text);
const header = (name: string, value: string): Attack => ({
  method: 'GET',
  path: '/things',
  // A header has no other characters.
  headers: { [name]: value.replaceAll(/[^\x20-\x7e]/g, '') },
});
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Attack => ({
  method: 'POST',
  path,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  headers: { 'Content-Type': 'application/json', Prefer: 'tx=rollback, return=representation', ...headers },
});
const pair = (name: string, value: unknown) => JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`);

/** Every place where a request says something in words of its own. */
const PLACES: Readonly<Record<string, (word: string) => Attack>> = {
  table: (w) => ({ method: 'GET', path: `/${segment(w)}` }),
  'table of a write': (w) => post(`/${segment(w)}`, { id: 1 }),
  column: (w) => get('select', w),
  alias: (w) => get('select', `${w}:name`),
  cast: (w) => get('select', `name::${w}`),
  'key of JSON': (w) => get('select', `info->${w}`),
  'key of JSON as text': (w) => get('select', `info->>${w}::text`),
  aggregate: (w) => get('select', `id.${w}()`),
  'cast of an aggregate': (w) => get('select', `id.sum()::${w}`),
  'alias of count': (w) => get('select', `${w}:count()`),
  'embedded relation': (w) => get('select', `${w}(*)`),
  'hint of an embed': (w) => get('select', `owners!${w}(*)`),
  'alias of an embed': (w) => get('select', `${w}:owners(*)`),
  'alias in an embed': (w) => get('select', `owners(${w}:name)`),
  spread: (w) => get('select', `...${w}(*)`),
  'alias in a spread': (w) => get('select', `...owners(${w}:name)`),
  'filtered column': (w) => get(w, 'eq.1'),
  'filtered key of JSON': (w) => get(`info->>${w}`, 'eq.1'),
  'filtered embed': (w) => get(`${w}.id`, 'eq.1'),
  operator: (w) => get('name', `${w}.1`),
  quantifier: (w) => get('name', `like(${w}).x`),
  operand: (w) => get('name', `eq.${w}`),
  'operand of a number': (w) => get('id', `eq.${w}`),
  'operand of an enumeration': (w) => get('mood', `eq.${w}`),
  pattern: (w) => get('name', `ilike.*${w}*`),
  'regular expression': (w) => get('name', `match.${w}`),
  list: (w) => get('name', `in.(a,${w},b)`),
  array: (w) => get('tags', `cs.${w}`),
  'elements of an array': (w) => get('tags', `ov.(${w})`),
  'all of an array': (w) => get('name', `like(all).${w}`),
  document: (w) => get('info', `cs.${w}`),
  'text search': (w) => get('name', `wfts.${w}`),
  'text search operators': (w) => get('name', `fts.${w}`),
  configuration: (w) => get('name', `fts(${w}).x`),
  'spelled configuration': (w) => get('name', `fts.${w}:plain:x`),
  'null test': (w) => get('name', `is.${w}`),
  group: (w) => get('or', `(name.eq.${w},id.eq.1)`),
  'group of columns': (w) => get('and', `(${w}.eq.1,id.eq.1)`),
  'group operator': (w) => get(w, '(id.eq.1,id.eq.2)'),
  order: (w) => get('order', w),
  'order of JSON': (w) => get('order', `info->${w}`),
  direction: (w) => get('order', `id.${w}`),
  'related order': (w) => ({ method: 'GET', path: `/things?select=id,owners(id)&${query('order', `owners(${w})`)}` }),
  limit: (w) => get('limit', w),
  offset: (w) => get('offset', w),
  'key of a body': (w) => post('/things', pair(w, 1)),
  'value of a body': (w) => post('/things', { id: 9, who: ALICE, name: w, tags: [w], info: { [w]: w } }),
  'value of another type': (w) => post('/things', { id: w, mood: w }),
  'body itself': (w) => post('/things', w),
  'columns of a body': (w) => post(`/things?${query('columns', w)}`, { id: 9, who: ALICE }),
  'conflict target': (w) =>
    post(`/things?${query('on_conflict', w)}`, { id: 9 }, { Prefer: 'tx=rollback, resolution=merge-duplicates' }),
  'conflict target among the preferences': (w) =>
    post(
      '/things',
      { id: 9 },
      { Prefer: `tx=rollback, resolution=merge-duplicates, on_conflict=${w.replaceAll(/[^\x20-\x7e]/g, '')}` },
    ),
  'columns of CSV': (w) => post('/things', `id,${w}\n9,1`, { 'Content-Type': 'text/csv' }),
  'values of CSV': (w) => post('/things', `id,name\n9,${w}`, { 'Content-Type': 'text/csv' }),
  'names of a form': (w) => post('/things', query(w, '1'), { 'Content-Type': 'application/x-www-form-urlencoded' }),
  'filter of a change': (w) => ({ ...post(`/things?${query('name', `eq.${w}`)}`, { name: w }), method: 'PATCH' }),
  'column of a change': (w) => ({ ...post('/things?id=eq.1', pair(w, 1)), method: 'PATCH' }),
  'key of a PUT': (w) => ({ ...post(`/things?${query('id', `eq.${w}`)}`, { id: w, who: ALICE }), method: 'PUT' }),
  'filter of a DELETE': (w) => ({
    method: 'DELETE',
    path: `/things?${query('name', `eq.${w}`)}`,
    headers: { Prefer: 'tx=rollback' },
  }),
  function: (w) => ({ method: 'GET', path: `/rpc/${segment(w)}` }),
  'function of a POST': (w) => post(`/rpc/${segment(w)}`, {}),
  argument: (w) => ({ method: 'GET', path: `/rpc/say?${query('word', w)}` }),
  'name of an argument': (w) => ({ method: 'GET', path: `/rpc/say?word=a&${query(w, 'b')}` }),
  'argument of a POST': (w) => post('/rpc/say', { word: w, other: w }),
  'name of an argument of a POST': (w) => post('/rpc/say', { word: 'a', ...pair(w, 'b') }),
  'argument of a form': (w) =>
    post('/rpc/say', query('word', w), { 'Content-Type': 'application/x-www-form-urlencoded' }),
  'several arguments': (w) => ({ method: 'GET', path: `/rpc/several?${query('words', w, `&${query('words', w)}`)}` }),
  'filter of a result': (w) => post(`/rpc/found?${query('name', `eq.${w}`)}`, {}),
  'alias of a result': (w) => post(`/rpc/found?${query('select', `${w}:name`)}`, {}),
  Range: (w) => header('Range', w),
  Prefer: (w) => header('Prefer', w),
  'time zone': (w) => header('Prefer', `timezone=${w}`),
  'value of a preference': (w) => header('Prefer', `count=${w}`),
  Accept: (w) => header('Accept', w),
  'options of a plan': (w) => header('Accept', `application/vnd.pgrst.plan+json; options=${w}`),
  'media type of a plan': (w) => header('Accept', `application/vnd.pgrst.plan+json; for="${w}"`),
  'Accept-Profile': (w) => header('Accept-Profile', w),
  'Content-Profile': (w) => header('Content-Profile', w),
  'header of an embed': (w) => header('owners-limit', w),
  method: (w) => ({ method: w.replaceAll(/[^A-Za-z]/g, '') || 'X', path: '/things' }),
};

const SQL = [
  "'; DROP TABLE things; --",
  '"; DROP TABLE things; --',
  ') ; DELETE FROM things; --',
  "' UNION SELECT body FROM vault.secrets --",
  '") UNION SELECT body FROM vault.secrets --',
  '" FROM vault.secrets --',
  'vault.secrets',
  '"vault"."secrets"',
  'name FROM vault.secrets --',
  '(SELECT body FROM vault.secrets)',
  "' || (SELECT body FROM vault.secrets) || '",
  '1 OR 1=1',
  '$1; SELECT pg_sleep(9)',
  '$$; DROP TABLE things; $$',
  "\\'; DROP TABLE things; --",
  "E'\\x27",
  '*/ DROP TABLE things /*',
  '%27%20OR%20%271%27=%271',
  "U&'\\0027' OR true",
  'ʼ OR ʼ1ʼ=ʼ1',
  '\r\nSET ROLE postgres\r\n',
  '{"a":"b"}',
  '{a,"b\\"}',
  '[1,2)',
  '(',
  ')',
  ',',
  '.',
  '::',
  '->>',
  '!inner',
  '...',
  '"',
  '\\',
  "'",
];

const hostileWord = fc
  .tuple(
    fc.oneof(fc.constantFrom(...SQL), fc.string({ unit: 'binary', maxLength: 10 })),
    fc.oneof(fc.constant(''), fc.constantFrom(...SQL)),
    fc.boolean(),
  )
  .map(([first, second, quoted]) => {
    const word = `${first}${MARK}${second}`;
    return quoted ? `"${word.replaceAll(/["\\]/g, '\\$&')}"` : word;
  });

/** Statements that are the same in every request. */
const FRAME =
  /^(?:BEGIN|COMMIT|ROLLBACK|RESET ALL|SELECT auth\.end_request\(\)|SELECT WHERE 1 \/ \(current_user = \$1\)::int = 0|SELECT num_nulls\(set_config\('role', [\s\S]*)$/;

async function send({ app }: RecordedData, token: string | undefined, { method, path, headers, body }: Attack) {
  const all = new Headers(headers);
  if (token !== undefined) all.set('Authorization', `Bearer ${token}`);
  const answer = await app.request(`http://localhost/data/v1${path}`, {
    method,
    headers: all,
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, text: `${JSON.stringify([...answer.headers])} ${await answer.text()}` };
}

test('no word of a request becomes a word of a statement, wherever it stands', async () => {
  const data = await createRecordedData(SCHEMA, { planEnabled: true });
  const state = async () =>
    (
      await data.database.query(
        `SELECT (SELECT json_agg(t ORDER BY id) FROM things t) AS things, (SELECT json_agg(s) FROM vault.secrets s) AS secrets,
          (SELECT json_agg(o) FROM owners o) AS owners, (SELECT count(*) FROM pg_class) AS relations,
          (SELECT count(*) FROM pg_proc) AS functions`,
      )
    ).rows;
  const before = await state();
  const reached = new Set<string>();
  const request = fc.record({
    place: fc.constantFrom(...Object.keys(PLACES)),
    word: hostileWord,
    token: fc.constantFrom('alice', undefined),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ place, word, token }) => {
      const attack = PLACES[place]?.(word) as Attack;
      const { status, text } = await send(data, token, attack);
      expect(status, text).toBeLessThan(500);
      expect(text).not.toContain(SECRET);
      const own = data.taken().filter((statement) => !FRAME.test(statement));
      for (const statement of own) {
        expect(statement).toMatch(/^(?:SELECT|WITH|EXPLAIN) /);
        expect(statement).not.toContain(MARK);
        expect(statement).not.toMatch(/;|--|\/\*|vault|DROP|UNION|pg_/);
      }
      // Once more after the schema was read anew, because something seemed to be missing.
      expect(own.length).toBeLessThanOrEqual(2);
      if (own.length > 0 && status < 300) reached.add(place);
    }),
    { numRuns: 3_000 },
  );
  expect(await state()).toEqual(before);
  // Most places take any text, and those did; the rest accept names and numbers only.
  expect([...reached]).toEqual(
    expect.arrayContaining(['alias', 'operand', 'list', 'value of a body', 'key of JSON', 'argument of a POST']),
  );
});

test('any two words make the same statement', async () => {
  const data = await createRecordedData(SCHEMA);
  const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }).filter((text) => !text.includes('\0'));
  const quoted = (text: string) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  const anyText: readonly ((w: string) => Attack)[] = [
    ...(['alias', 'key of JSON', 'alias of an embed', 'alias in an embed', 'order of JSON', 'list'] as const).map(
      (place) => (w: string) => PLACES[place]?.(quoted(w)) as Attack,
    ),
    ...(
      ['operand', 'text search', 'value of a body', 'filter of a DELETE', 'argument', 'argument of a POST'] as const
    ).map((place) => PLACES[place] as (w: string) => Attack),
  ];
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...anyText), word, word, async (place, one, other) => {
      const statements: (readonly string[])[] = [];
      for (const text of [one, other]) {
        const answer = await send(data, 'alice', place(text));
        expect(answer.status, answer.text).toBeLessThan(300);
        statements.push(data.taken().filter((statement) => !FRAME.test(statement)));
      }
      expect(statements[0]).toHaveLength(1);
      expect(statements[1]).toEqual(statements[0]);
    }),
    { numRuns: 400 },
  );
});

test('names of the schema that look like SQL are names', async () => {
  const table = `a"b'c;--\\$1 %s/*☠`;
  const column = `x" y') ::int, $2`;
  const key = `"' OR 1=1 --`;
  const type = `t"y.p'e`;
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const path = `/${segment(table)}`;
  const inQuery = (name: string) => encodeURIComponent(`"${name.replaceAll(/["\\]/g, '\\$&')}"`);
  const { as, database } = await createTestData(`
    CREATE TYPE ${quote(type)} AS ENUM ('it''s', 'no"');
    CREATE TABLE ${quote(table)} (${quote(key)} int PRIMARY KEY, ${quote(column)} text DEFAULT 'it''s "$1"',
      kind ${quote(type)}, up int CONSTRAINT ${quote(`${table} fk`)} REFERENCES ${quote(table)});
    ALTER TABLE ${quote(table)} ENABLE ROW LEVEL SECURITY;
    CREATE POLICY anybody ON ${quote(table)} USING (true);
    CREATE FUNCTION ${quote(table)}(${quote(column)} ${quote(type)}) RETURNS SETOF ${quote(table)} LANGUAGE sql STABLE
      AS $body$SELECT * FROM public.${quote(table)} WHERE kind = $1$body$;
  `);
  const ask = as('alice');
  const both = { Prefer: 'return=representation, missing=default, resolution=merge-duplicates' };
  const made = await ask(
    'POST',
    path,
    jsonBody(
      [
        { [key]: 1, kind: `it's` },
        { [key]: 2, kind: 'no"', up: 1 },
      ].map((row) => ({ up: null, ...row })),
      both,
    ),
  );
  expect(made.status, await made.clone().text()).toBe(201);
  expect(await made.json()).toEqual([
    { [key]: 1, [column]: `it's "$1"`, kind: `it's`, up: null },
    { [key]: 2, [column]: `it's "$1"`, kind: 'no"', up: 1 },
  ]);
  const selected = `select=${inQuery(key)},k:kind::${inQuery(type)},${inQuery(`${table} fk`)}(${inQuery(key)})`;
  const found = await ask('GET', `${path}?${selected}&${inQuery(column)}=like.it*&order=${inQuery(key)}.desc&limit=1`);
  expect(await found.json()).toEqual([{ [key]: 2, k: 'no"', [`${table} fk`]: { [key]: 1 } }]);
  const called = await ask('POST', `/rpc/${segment(table)}?select=${inQuery(key)}`, jsonBody({ [column]: 'no"' }));
  expect(await called.json()).toEqual([{ [key]: 2 }]);
  const headersOnly = { Prefer: 'return=headers-only' };
  const third = await ask('POST', path, jsonBody({ [key]: 3 }, headersOnly));
  expect(third.status).toBe(201);
  const location = (third.headers.get('Location') ?? '').replace('/data/v1', '');
  expect(await (await ask('GET', `${location}&select=up`)).json()).toEqual([{ up: null }]);
  expect((await ask('PATCH', `${path}?${inQuery(key)}=eq.3`, jsonBody({ [column]: key }))).status).toBe(204);
  expect((await ask('PUT', `${path}?${inQuery(key)}=eq.3`, jsonBody({ [key]: 3, up: 2 }))).status).toBe(204);
  expect((await ask('DELETE', `${path}?${inQuery(column)}=eq.${encodeURIComponent(key)}`)).status).toBe(204);
  expect((await database.query(`SELECT FROM ${quote(table)}`)).rowCount).toBe(2);
});
