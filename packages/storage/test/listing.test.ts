import type { Queryable } from '@reactor/core';
import { expect, it } from 'vitest';
import { type ListingQuery, listObjects } from '../src/store/listing.js';
import { createTestStorage, refusal, type TestStorage } from './support/storage.js';

interface Page {
  readonly objects: readonly { readonly key: string }[];
  readonly prefixes: readonly string[];
  readonly has_more: boolean;
  readonly next_cursor: string | null;
}

async function withKeys(...keys: string[]): Promise<TestStorage> {
  const storage = await createTestStorage();
  await storage.bucket('b');
  for (const key of keys) {
    await storage.as('alice')('PUT', `/object/b/${encodeURIComponent(key)}`, { body: key });
  }
  return storage;
}

async function list({ as }: TestStorage, query: Record<string, string>, who = 'alice'): Promise<Page> {
  return (await as(who)('GET', `/buckets/b/objects?${new URLSearchParams(query)}`)).json();
}

/** Folders and keys of all pages, in the order they came, and how many pages there were. */
async function walk(storage: TestStorage, query: Record<string, string>) {
  const entries: string[] = [];
  let pages = 0;
  let cursor: string | null = null;
  do {
    const page: Page = await list(storage, cursor === null ? query : { ...query, cursor });
    entries.push(...[...page.prefixes, ...page.objects.map(({ key }) => key)].sort());
    expect(page.has_more).toBe(page.next_cursor !== null);
    cursor = page.next_cursor;
    pages += 1;
  } while (cursor !== null);
  return { entries, pages };
}

it('describes each object', async () => {
  const storage = await withKeys('a/b');
  const put = await (await storage.as('alice')('PUT', '/object/b/a/b', { body: 'x' })).json();
  expect(await list(storage, {})).toEqual({ objects: [put], prefixes: [], has_more: false, next_cursor: null });
});

it('goes in the byte order of UTF-8, whatever the locale of the database', async () => {
  const storage = await withKeys('b', 'a', 'B', 'ä', 'a-', 'a/', '€', '😀', '�', '_');
  const expected = ['B', '_', 'a', 'a-', 'a/', 'b', 'ä', '€', '�', '😀'];
  expect((await list(storage, {})).objects.map(({ key }) => key)).toEqual(expected);
});

it('is cut into pages that miss nothing and repeat nothing', async () => {
  const keys = Array.from({ length: 25 }, (_, i) => `key ${String(i).padStart(2, '0')}`);
  const storage = await withKeys(...keys);
  expect(await walk(storage, { limit: '10' })).toEqual({ entries: keys, pages: 3 });
  expect(await walk(storage, { limit: '25' })).toEqual({ entries: keys, pages: 1 });
  expect(await walk(storage, { limit: '24' })).toEqual({ entries: keys, pages: 2 });
  expect((await walk(storage, { limit: '1' })).entries).toEqual(keys);
});

it('goes on behind what was deleted meanwhile', async () => {
  const storage = await withKeys('a', 'b', 'c');
  const { next_cursor: cursor } = await list(storage, { limit: '1' });
  await storage.as('alice')('DELETE', '/object/b/b');
  expect((await list(storage, { cursor: String(cursor) })).objects.map(({ key }) => key)).toEqual(['c']);
});

it('takes a prefix literally', async () => {
  const storage = await withKeys('a', 'a%b', 'a_b', 'a\\b', 'ab', 'a%', 'b');
  expect((await walk(storage, { prefix: 'a%' })).entries).toEqual(['a%', 'a%b']);
  expect((await walk(storage, { prefix: 'a_' })).entries).toEqual(['a_b']);
  expect((await walk(storage, { prefix: 'a\\' })).entries).toEqual(['a\\b']);
  expect((await walk(storage, { prefix: 'a', limit: '2' })).entries).toHaveLength(6);
  expect((await walk(storage, { prefix: 'none' })).entries).toEqual([]);
  expect((await walk(storage, { prefix: "'; DROP TABLE x --" })).entries).toEqual([]);
});

it('folds folders', async () => {
  const storage = await withKeys('a', 'a/1', 'a/2', 'a/x/3', 'a0', 'b/4', 'b/5', 'c', 'd//6', '/7', '😀/8');
  const folded = ['/', 'a', 'a/', 'a0', 'b/', 'c', 'd/', '😀/'];
  expect(await walk(storage, { delimiter: '/' })).toEqual({ entries: folded, pages: 1 });
  for (const limit of ['1', '2', '3']) {
    expect((await walk(storage, { delimiter: '/', limit })).entries).toEqual(folded);
  }
  expect((await walk(storage, { delimiter: '/', prefix: 'a/' })).entries).toEqual(['a/1', 'a/2', 'a/x/']);
  expect((await walk(storage, { delimiter: '/', prefix: 'a' })).entries).toEqual(['a', 'a/', 'a0']);
  expect((await walk(storage, { delimiter: '/', prefix: 'd/' })).entries).toEqual(['d//']);
  expect((await walk(storage, { delimiter: '/', prefix: '😀/' })).entries).toEqual(['😀/8']);
  expect(await walk(storage, { delimiter: '/', prefix: 'none' })).toEqual({ entries: [], pages: 1 });
});

it('folds only what the caller may see', async () => {
  const storage = await withKeys('a/1');
  await storage.as('bob')('PUT', '/object/b/his/1', { body: 'x' });
  await storage.as('bob')('PUT', '/object/b/a/0', { body: 'x' });
  expect((await list(storage, { delimiter: '/' }, 'alice')).prefixes).toEqual(['a/']);
  expect((await list(storage, { delimiter: '/' }, 'bob')).prefixes).toEqual(['a/', 'his/']);
  expect((await list(storage, { delimiter: '/' }, 'admin')).prefixes).toEqual(['a/', 'his/']);
});

it('refuses what it does not understand', async () => {
  const { as, bucket } = await createTestStorage();
  await bucket('b');
  const limits = ['limit=0', 'limit=1001', 'limit=-1', 'limit=1.5', 'limit=ten', 'limit='];
  const cursors = ['cursor=%00', 'cursor=!', 'cursor=AA', 'cursor=_w', 'cursor=YQ=='];
  for (const query of [...limits, ...cursors, 'delimiter=x', 'prefix=%00', `prefix=${'x'.repeat(1025)}`]) {
    expect(await refusal(await as('alice')('GET', `/buckets/b/objects?${query}`))).toBe('400 invalid_request');
  }
});

it('reads no more of the index than it returns', async () => {
  const storage = await createTestStorage();
  await storage.bucket('b');
  const { database } = storage;
  // 20 000 objects, without the files they would need: only their rows matter here.
  await database.query(`
    INSERT INTO reactor_storage.blobs (key) SELECT 'k' || i FROM generate_series(1, 20000) i;
    INSERT INTO reactor_storage.objects (id, bucket_id, key, blob_key, content_type, size_bytes, sha256)
      SELECT gen_random_uuid(), b.id, CASE WHEN i <= 10000 THEN 'first/' ELSE 'second/' END || i, 'k' || i, 'x/y', 0, ''
      FROM generate_series(1, 20000) i, reactor_storage.buckets b;
    ANALYZE reactor_storage.objects`);
  const { rows } = await database.query<{ id: string }>('SELECT id FROM reactor_storage.buckets');
  const query = { bucketId: String(rows[0]?.id), ownerId: undefined, from: '', prefix: '', folders: false, limit: 100 };
  for (const [entries, part] of [
    [500, { limit: 500 }],
    [2, { folders: true }],
    [5, { prefix: 'second/', limit: 5 }],
    [11, { prefix: 'first/999' }],
    [0, { ownerId: 'alice' }],
  ] as const) {
    const found = await rowsRead(database, { ...query, ...part });
    expect(found.entries).toBe(entries);
    expect(found.read).toBeGreaterThanOrEqual(entries);
    // Each folder is looked at twice.
    expect(found.read).toBeLessThanOrEqual(2 * entries);
  }
});

/** How many entries a listing has, and how many rows PostgreSQL read for it. */
async function rowsRead(database: TestStorage['database'], query: ListingQuery) {
  return database.transaction(async (connection) => {
    const before = await counter(connection);
    const entries = await listObjects(connection, query);
    return { entries: entries.length, read: (await counter(connection)) - before };
  });
}

/** Rows of objects that this connection has read since it last published its numbers, at the end of a transaction. */
async function counter(connection: Queryable): Promise<number> {
  const { rows } = await connection.query<{ read: number }>(
    `SELECT (seq_tup_read + idx_tup_fetch)::int AS read FROM pg_stat_xact_user_tables
     WHERE schemaname = 'reactor_storage' AND relname = 'objects'`,
  );
  return Number(rows[0]?.read);
}
