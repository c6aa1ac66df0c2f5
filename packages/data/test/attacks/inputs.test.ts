import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { listen } from '@reactor/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DataConfig } from '../../src/index.js';
import { createTestData, jsonBody, refusal, type TestData } from '../support/data.js';

const SCHEMA = `
  CREATE TABLE things (id bigint PRIMARY KEY, name text, price numeric, info jsonb, tags text[], "__proto__" int, "constructor" int);
  ALTER TABLE things ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON things USING (true);
  CREATE TABLE parts (id int PRIMARY KEY, thing bigint REFERENCES things);
  ALTER TABLE parts ENABLE ROW LEVEL SECURITY;
  CREATE TABLE "日本 \n" (id text PRIMARY KEY);
  ALTER TABLE "日本 \n" ENABLE ROW LEVEL SECURITY;
  CREATE POLICY anybody ON "日本 \n" USING (true);
  CREATE FUNCTION echo(word text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT word';
  CREATE FUNCTION schema_of(name regnamespace) RETURNS text LANGUAGE sql STABLE AS 'SELECT name::text';
  CREATE FUNCTION whole(json) RETURNS json LANGUAGE sql IMMUTABLE AS 'SELECT $1';
`;

const JSON_TYPE = { 'Content-Type': 'application/json' };

async function setUp(config: Partial<DataConfig> = {}) {
  const data = await createTestData(SCHEMA, { config });
  const ask = data.as('alice');
  const count = async () => (await data.database.query('SELECT FROM things')).rowCount;
  const insert = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = JSON_TYPE) =>
    ask('POST', '/things', { body, headers });
  const get = (query: string) => ask('GET', `/things?${query}`);
  return { ...data, ask, count, insert, get };
}

/** Of an answer that must be the caller's fault. */
async function fault(answer: Response, what?: string): Promise<string> {
  expect(answer.status, what).toBeGreaterThanOrEqual(400);
  const text = await refusal(answer);
  expect(text, what).toMatch(/^4\d\d /);
  return text;
}

describe('a query', () => {
  test('is refused when it nests, repeats or grows beyond its limits', async () => {
    const { get } = await setUp();
    const list = (item: (i: number) => string, length: number, separator = ',') =>
      Array.from({ length }, (_, i) => item(i)).join(separator);
    for (const query of [
      `or=${'(or'.repeat(10_000)}(id.eq.1)${')'.repeat(10_000)}`,
      `not.and=${'(not.and'.repeat(5_000)}(id.eq.1)${')'.repeat(5_000)}`,
      `select=${'parts('.repeat(10_000)}id${')'.repeat(10_000)}`,
      `select=${list((i) => `p${i}:parts(id)`, 8_000)}`,
      `select=${list((i) => `p${i}:parts(id)`, 33)}`,
      `select=${list(() => '*', 999)}`,
      `select=${list((i) => `c${i}:id`, 8_000)}`,
      `order=${list(() => 'id', 8_000)}`,
      `select=info${'->a'.repeat(25_000)}`,
      list((i) => `id=neq.${i}`, 8_000, '&'),
      `name=eq.${'x'.repeat(65_536)}`,
      `limit=${'9'.repeat(60_000)}`,
      'limit=1e3',
      'limit=-1',
      'offset=9007199254740992',
    ]) {
      expect(await fault(await get(query)), query.slice(0, 60)).toBe('400 PGRST100 invalid_query');
    }
  });

  test('is answered when it is merely long', async () => {
    const { get } = await setUp();
    for (const query of [
      `id=in.(${'1,'.repeat(30_000)}1)`,
      `name=in.(${'"\\"",'.repeat(10_000)}"")`,
      `name=like.${'*a'.repeat(30_000)}`,
      `name=eq.${'\\'.repeat(60_000)}`,
      `name=fts.${'a | '.repeat(5_000)}a`,
      `or=(${Array.from({ length: 900 }, (_, i) => `name.ilike.*${i}*`).join(',')})`,
      `select=${Array.from({ length: 900 }, (_, i) => `c${i}:name`).join(',')}`,
      'offset=9007199254740991&limit=9007199254740991',
    ]) {
      const answer = await get(query);
      expect([answer.status, await answer.json()], query.slice(0, 60)).toEqual([200, []]);
    }
  });

  test('whose value PostgreSQL cannot read, or does not want to, is the caller’s fault', async () => {
    const { get, insert } = await setUp();
    await insert('{"id":1,"name":"xy"}');
    for (const query of [
      `info=cs.${'['.repeat(60_000)}`,
      `info=cs.${'['.repeat(30_000)}${']'.repeat(30_000)}`,
      `tags=cs.${'{'.repeat(60_000)}`,
      `name=fts.${'('.repeat(60_000)}`,
      `name=fts.${'!'.repeat(60_000)}`,
      `name=match.${'('.repeat(60_000)}`,
      `name=match.${encodeURIComponent('((a{1,100}){1,100}){1,100}')}`,
      'name=match.a{99999}',
      'name=like.x\\',
      'id=eq.99999999999999999999',
      `price=eq.1${'0'.repeat(60_000)}x`,
      'price=eq.1e999999999',
      'select=price::int&price=eq.NaNN',
      'name=fts(0).x',
      'name=fts(-).x',
      'name=fts(16384).x',
      'name=fts(nowhere.simple).x',
      'name=fts(reactor_data.simple).x',
      'id=eq.%00',
      'name=eq.a%00b',
      '%00=eq.1',
      'select=a%00:name',
      'info->%00=eq.1',
    ]) {
      await fault(await get(query), query.slice(0, 60));
    }
  });

  test('that names a schema is no fault of the server', async () => {
    const { ask } = await setUp();
    expect(await fault(await ask('GET', '/rpc/schema_of?name=nowhere'))).toBe('400 3F000 statement_rejected');
  });

  test('of bytes that are no text does not name a table', async () => {
    const { ask } = await setUp();
    for (const path of ['/%FF', '/things%', '/%ED%A0%80', '/rpc/%C3%28']) {
      expect((await ask('GET', path)).status, path).toBe(400);
    }
    for (const path of ['/things%00', '/%00', '/things%2F', '/things%0A']) {
      expect((await ask('GET', path)).status, path).toBe(404);
    }
  });
});

describe('a body', () => {
  test('keeps numbers of any size, and the last of keys that are given twice', async () => {
    const { insert, get } = await setUp();
    const digits = '123456789012345678901234567890.123456789';
    expect((await insert(`{"id":9007199254740993,"price":${digits},"name":"a","name":"b"}`)).status).toBe(201);
    expect(await (await get('select=id::text,price::text,name')).json()).toEqual([
      { id: '9007199254740993', price: digits, name: 'b' },
    ]);
    for (const body of ['{"id":1e400}', '{"id":1.5}', `{"id":1${'0'.repeat(100_000)}}`])
      await fault(await insert(body));
  });

  test('has at most 100 000 rows', async () => {
    const { insert, count } = await setUp();
    const text = { 'Content-Type': 'text/csv' };
    const ids = (length: number) => Array.from({ length }, (_, i) => i);
    for (const [body, headers] of [
      [`id\n${ids(100_001).join('\n')}`, text],
      [JSON.stringify(ids(100_001).map((id) => ({ id }))), JSON_TYPE],
    ] as const) {
      expect(await fault(await insert(body, headers))).toBe('400 PGRST102 invalid_body');
    }
    expect((await insert(`id\n${ids(100_000).join('\n')}`, text)).status).toBe(201);
    expect(await count()).toBe(100_000);
  });

  test('has keys that are columns, whatever they are called', async () => {
    const { insert, ask, get, count } = await setUp();
    expect((await insert('[{"id":1,"__proto__":2,"constructor":3}]')).status).toBe(201);
    expect(await (await get('select=__proto__,constructor')).text()).toBe('[{"__proto__":2,"constructor":3}]');
    expect((await insert('id,__proto__,constructor\n2,3,4', { 'Content-Type': 'text/csv' })).status).toBe(201);
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await insert('id=3&__proto__=5&constructor=6', form)).status).toBe(201);
    const rows = (await (await get('select=__proto__&order=id')).text()).match(/\d/g);
    expect(rows).toEqual(['2', '3', '5']);
    for (const key of ['toString', 'hasOwnProperty', 'length', '', 'a.b', 'id"', 'ID']) {
      expect(await fault(await insert(JSON.stringify({ [key]: 1 })))).toBe('400 PGRST204 column_not_found');
    }
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(await fault(await ask('GET', `/${name}`))).toBe('404 PGRST205 table_not_found');
      expect(await fault(await ask('POST', `/rpc/${name}`))).toBe('404 PGRST202 function_not_found');
      expect(await fault(await ask('POST', '/rpc/echo', jsonBody(JSON.parse(`{"${name}":1}`))))).toBe(
        '404 PGRST202 function_not_found',
      );
    }
    expect(await count()).toBe(3);
  });

  test('is text that PostgreSQL can hold', async () => {
    const { ask, insert, count } = await setUp();
    for (const body of ['{"name":"\\u0000"}', '{"name":"\\ud800"}', '{"info":{"\\udfff":1}}', '{"info":"\\u0000"}']) {
      await fault(await insert(body.replace('{', '{"id":1,')));
    }
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0x22, 0xe2, 0x82, 0x22], [0xfe, 0xff, 0, 0x7b]]) {
      expect(await fault(await insert(new Uint8Array(bytes)))).toBe('400 PGRST102 invalid_body');
    }
    expect((await insert('\uFEFF{"id":1}')).status).toBe(201);
    expect((await insert('\uFEFFid\n2', { 'Content-Type': 'text/csv' })).status).toBe(201);
    expect(await count()).toBe(2);
    const word = '\u{1F480}\u2028\u202E"\'\\\u0001';
    expect(await (await ask('POST', '/rpc/echo', jsonBody({ word }))).json()).toBe(word);
    expect(await (await ask('GET', `/rpc/echo?word=${encodeURIComponent(word)}`)).json()).toBe(word);
  });

  test('nests as deep as it may, and no deeper', async () => {
    const { insert, ask } = await setUp();
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect((await insert(`{"id":1,"info":${nested(999)}}`)).status).toBe(201);
    expect((await ask('POST', '/rpc/whole', { body: nested(1000), headers: JSON_TYPE })).status).toBe(200);
    for (const depth of [1001, 10_000, 5_000_000]) {
      expect(await fault(await insert(nested(depth)))).toBe('400 PGRST102 invalid_body');
      expect(await fault(await ask('POST', '/rpc/whole', { body: nested(depth), headers: JSON_TYPE }))).toBe(
        '400 PGRST102 invalid_body',
      );
    }
    expect(await fault(await insert('['.repeat(1000)))).toBe('400 PGRST102 invalid_body');
    expect(await fault(await insert(`{"id":2,"tags":${nested(500)}}`))).toMatch(/^400 /);
  });

  test('of CSV may have a field of any length, and not more columns than a table', async () => {
    const { insert, get } = await setUp();
    const csv = { 'Content-Type': 'text/csv' };
    const long = 'x""\n'.repeat(2_000_000);
    expect((await insert(`id,name\n1,"${long}"\n`, csv)).status).toBe(201);
    expect(await (await get('select=id&name=like.*%0A')).json()).toEqual([{ id: 1 }]);
    for (const body of [
      ',a'.repeat(1_000_000),
      `id\n${'1,'.repeat(1_000_000)}`,
      `id\n"${long}`,
      'id\n"1"x',
      'id,id\n1,2',
      'id,\n1,2',
      'id;name\n1;2',
      'id\n1\u00002',
    ]) {
      await fault(await insert(body, csv));
    }
  });

  test('is what its headers say', async () => {
    const { insert, count } = await setUp();
    const zipped = gzipSync('{"id":1}');
    for (const encoding of ['gzip', 'br', 'x', 'identity, gzip']) {
      const answer = await insert(zipped, { ...JSON_TYPE, 'Content-Encoding': encoding });
      expect(await fault(answer)).toBe('415 PGRST102 unsupported_media_type');
    }
    expect(await fault(await insert(zipped))).toBe('400 PGRST102 invalid_body');
    for (const type of ['text/html', 'application/xml', 'multipart/form-data; boundary=x', 'json', ',', '*/*']) {
      expect(await fault(await insert('{"id":1}', { 'Content-Type': type }))).toMatch(/^4\d\d PGRST102 /);
    }
    expect((await insert('{"id":1}', { 'Content-Type': 'APPLICATION/JSON ; charset=latin1' })).status).toBe(201);
    expect(await count()).toBe(1);
  });

  test('is no longer and no shorter than it says', async () => {
    const { app, count } = await setUp({ maxBodyBytes: 1_000 });
    const { port } = await listen(app as TestData['app']);
    const send = (headers: string, body: string, { hangUp = false } = {}) =>
      new Promise<string>((resolve) => {
        const socket = connect(port, '127.0.0.1');
        onTestFinished(() => void socket.destroy());
        let answer = '';
        const done = () => resolve(/^HTTP\/1.1 (\d+)/.exec(answer)?.[1] ?? 'none');
        socket.on('data', (chunk) => {
          answer += chunk;
          done();
        });
        socket.on('error', done).on('close', done);
        const request = `POST /data/v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}`;
        if (hangUp) socket.end(request);
        else socket.write(request);
      });
    expect(await send('Content-Length: 99999999999', '{')).toBe('413');
    expect(await send('Content-Length: 1001', '{')).toBe('413');
    expect(await send('Transfer-Encoding: chunked', `7d0\r\n${' '.repeat(2_000)}\r\n0\r\n\r\n`)).toBe('413');
    for (const headers of ['Content-Length: -1', 'Content-Length: 1e3', 'Content-Length: 8\r\nContent-Length: 9']) {
      expect(await send(headers, '{"id":1}')).toBe('400');
    }
    expect(await send('Content-Length: 8\r\nTransfer-Encoding: chunked', '0\r\n\r\n')).toBe('400');
    expect(await send('Content-Length: 20', '{"id":1}', { hangUp: true })).toMatch(/^(?:400|none)$/);
    expect(await count()).toBe(0);
    // What is beyond the length would be another request, and is none.
    expect(await send('Content-Length: 8', '{"id":1}{"id":2}')).toMatch(/^(?:201|400)$/);
    expect(await count()).toBeLessThan(2);
  });
});

test('headers of any kind are understood or refused', async () => {
  const { ask } = await setUp();
  const long = (piece: string) => piece.repeat(16_000 / piece.length);
  for (const [name, value] of [
    ['Range', `x${long(' ')}x`],
    ['Range', long('0-')],
    ['Range', `items=${long('9')}-`],
    ['Range', '1-0'],
    ['Accept', long('"')],
    ['Accept', long(';a="')],
    ['Accept', long('\\"')],
    ['Accept', long('text/csv;q=x,')],
    ['Accept', 'application/vnd.pgrst.plan+json; for="text/csv"; options=analyze|buffers); DROP TABLE things; --'],
    ['Prefer', long('a,')],
    ['Prefer', long('timezone=Nowhere,')],
    ['Prefer', `count=${long('"')}`],
    ['Prefer', 'handling=strict, max-affected=1e9'],
    ['Accept-Profile', 'reactor_auth'],
    ['Accept-Profile', 'public"; DROP SCHEMA public; --'],
    ['things-limit', long('9')],
    ['Authorization', `Bearer ${long('a')}`],
  ] as const) {
    const answer = await ask('GET', '/things?select=id', { headers: { [name]: value } });
    await answer.text();
    expect(answer.status, `${name}: ${value.slice(0, 40)}`).toBeLessThan(500);
  }
});

test('a row of a table with any name has a Location', async () => {
  const { ask, app } = await setUp();
  const path = `/${encodeURIComponent('日本 \n')}`;
  const made = await ask('POST', path, jsonBody({ id: '日&=\n' }, { Prefer: 'return=headers-only' }));
  expect(made.status).toBe(201);
  const location = made.headers.get('Location') ?? '';
  const found = await app.request(location, { headers: { Authorization: 'Bearer alice' } });
  expect(await found.json()).toEqual([{ id: '日&=\n' }]);
});

test('an answer is as long as it may be, and no longer', async () => {
  const { ask, insert, count, database } = await setUp({ maxResultBytes: 22 });
  const exact = '[{"name":"0123456789"}]'.length - 1;
  expect(exact).toBe(22);
  await database.query(`INSERT INTO things (id, name) VALUES (1, '012345678'), (2, '0123456789')`);
  const csv = { headers: { Accept: 'text/csv' } };
  expect((await ask('GET', '/things?select=name&id=eq.1')).status).toBe(200);
  expect((await ask('GET', '/things?select=name', csv)).status).toBe(400);
  expect((await ask('GET', '/things?select=name&id=eq.1', csv)).status).toBe(200);
  const tooLarge = '400 54000 result_too_large';
  expect(await fault(await ask('GET', '/things?select=name&id=eq.2'))).toBe(tooLarge);
  expect(await fault(await ask('GET', `/rpc/echo?word=${'x'.repeat(21)}`))).toBe(tooLarge);
  expect(await (await ask('GET', `/rpc/echo?word=${'x'.repeat(20)}`)).json()).toBe('x'.repeat(20));
  // Nothing is kept of a write that cannot be answered.
  const representation = { ...JSON_TYPE, Prefer: 'return=representation' };
  expect(await fault(await insert('{"id":3,"name":"a long name"}', representation))).toBe(tooLarge);
  expect(await count()).toBe(2);
  expect((await insert('{"id":3,"name":"a long name"}')).status).toBe(201);
});
