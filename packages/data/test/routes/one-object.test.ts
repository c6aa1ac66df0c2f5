import { listen } from '@reactor/testing';
import { PostgrestClient } from '@supabase/postgrest-js';
import { expect, test } from 'vitest';
import { createTestData, type TestData } from '../support/data.js';

const SCHEMA = `
  CREATE TABLE books (id int PRIMARY KEY, title text, author_id int);
  CREATE TABLE authors (id int PRIMARY KEY, name text);
  ALTER TABLE books ADD FOREIGN KEY (author_id) REFERENCES authors;
  ALTER TABLE books ENABLE ROW LEVEL SECURITY; CREATE POLICY anybody ON books USING (true);
  ALTER TABLE authors ENABLE ROW LEVEL SECURITY; CREATE POLICY anybody ON authors USING (true);
  INSERT INTO authors VALUES (1, 'Ann'), (2, 'Ben');
  INSERT INTO books VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 2);
  CREATE FUNCTION shelve(upto int) RETURNS SETOF books LANGUAGE sql VOLATILE AS
    $$ UPDATE books SET title = 'shelved' WHERE id <= upto RETURNING * $$;
`;

const ONE = 'application/vnd.pgrst.object+json';
const RETURNS = ['', 'return=minimal', 'return=headers-only', 'return=representation'];
const OTHERS = ['', 'tx=rollback', 'handling=strict, max-affected=1', 'handling=strict, max-affected=5', 'count=exact'];

interface Write {
  readonly request: string;
  readonly body?: unknown;
  readonly prefer?: string;
}

const SEVERAL: readonly Write[] = [
  { request: 'PATCH /books?id=lt.3', body: { title: 'x' } },
  { request: 'PATCH /books?id=eq.9', body: { title: 'x' } },
  { request: 'PATCH /books?id=lt.3', body: {} },
  // Two rows change, and one of them has an author by that name.
  { request: 'PATCH /books?id=lt.3&select=id,authors!inner(name)&authors.name=eq.Ann', body: { title: 'x' } },
  { request: 'DELETE /books?id=lt.3' },
  { request: 'DELETE /books?id=eq.9' },
  { request: 'POST /books', body: [{ id: 8 }, { id: 9 }] },
  { request: 'POST /books', body: [] },
  { request: 'POST /books', body: [{ id: 1 }, { id: 9 }], prefer: 'resolution=merge-duplicates' },
  { request: 'POST /books', body: [{ id: 1 }], prefer: 'resolution=ignore-duplicates' },
  { request: 'POST /rpc/shelve', body: { upto: 2 } },
  { request: 'POST /rpc/shelve', body: { upto: 0 } },
];

const SINGLE: readonly Write[] = [
  { request: 'PATCH /books?id=eq.1', body: { title: 'x' } },
  { request: 'DELETE /books?id=eq.1' },
  { request: 'POST /books', body: { id: 8 } },
  { request: 'POST /books', body: [{ id: 1, title: 'x' }], prefer: 'resolution=merge-duplicates' },
  { request: 'PUT /books?id=eq.1', body: { id: 1, title: 'x' } },
  { request: 'POST /rpc/shelve', body: { upto: 1 } },
];

/** Every write with each of the preferences that must not matter, and what becomes of it. */
async function outcomes({ as, database }: TestData, writes: readonly Write[], others = OTHERS) {
  const books = async () => JSON.stringify((await database.query('SELECT * FROM books ORDER BY id')).rows);
  const before = await books();
  const found: string[] = [];
  for (const { request, body, prefer = '' } of writes) {
    for (const returned of RETURNS) {
      for (const other of others) {
        const Prefer = [returned, other, prefer].filter((part) => part !== '').join(', ');
        const [method = '', path = ''] = request.split(' ');
        const headers = { Accept: ONE, Prefer, 'Content-Type': 'application/json' };
        const answer = await as('alice')(method, path, {
          headers,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await answer.text();
        const code = answer.status < 300 ? '' : ` ${JSON.parse(text).code}`;
        const isChanged = (await books()) !== before;
        found.push(`${answer.status}${code} ${isChanged ? 'written' : 'nothing written'}: ${request} ${Prefer}`);
        if (isChanged) {
          await database.query(
            `DELETE FROM books; INSERT INTO books VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 2)`,
          );
        }
      }
    }
  }
  return found;
}

test('one object asked for and several rows, or none: 406 and nothing written, whatever is preferred', async () => {
  const found = await outcomes(await createTestData(SCHEMA), SEVERAL);
  expect(found).toHaveLength(SEVERAL.length * RETURNS.length * OTHERS.length);
  expect(found.filter((outcome) => !outcome.startsWith('406 PGRST116 nothing written'))).toEqual([]);
});

test('one object asked for and one row: written', async () => {
  const found = await outcomes(await createTestData(SCHEMA), SINGLE, ['', 'count=exact']);
  expect(found.filter((outcome) => !/^20[0-4] written/.test(outcome))).toEqual([]);
});

test('the client of Supabase: single() on writes that it asks no rows of', async () => {
  const { app, database } = await createTestData(SCHEMA);
  const { port } = await listen(app);
  const client = new PostgrestClient(`http://127.0.0.1:${port}/data/v1`, {
    headers: { Authorization: 'Bearer alice' },
  });
  const ask = (query: PromiseLike<{ status: number; error: { code: string } | null }>) =>
    query.then(({ status, error }) => `${status} ${error?.code ?? 'ok'}`);
  // Its types offer single() after select() only, its JavaScript everywhere.
  const single = (query: unknown) => (query as { single(): ReturnType<typeof client.rpc> }).single();
  expect({
    update: await ask(single(client.from('books').update({ title: 'x' }).lt('id', 3))),
    updateAndSelect: await ask(client.from('books').update({ title: 'x' }).lt('id', 3).select().single()),
    delete: await ask(single(client.from('books').delete().lt('id', 3))),
    insert: await ask(single(client.from('books').insert([{ id: 8 }, { id: 9 }]))),
    upsert: await ask(single(client.from('books').upsert([{ id: 1 }, { id: 9 }]))),
    rpc: await ask(single(client.rpc('shelve', { upto: 2 }))),
    one: await ask(single(client.from('books').update({ title: 'x' }).eq('id', 1))),
    maybeNone: await ask(client.from('books').update({ title: 'x' }).eq('id', 99).select().maybeSingle()),
  }).toEqual({
    update: '406 PGRST116',
    updateAndSelect: '406 PGRST116',
    delete: '406 PGRST116',
    insert: '406 PGRST116',
    upsert: '406 PGRST116',
    rpc: '406 PGRST116',
    one: '204 ok',
    maybeNone: '200 ok',
  });
  const { rows } = await database.query('SELECT id, title FROM books ORDER BY id');
  expect(rows).toEqual([
    { id: 1, title: 'x' },
    { id: 2, title: 'two' },
    { id: 3, title: 'three' },
  ]);
});
