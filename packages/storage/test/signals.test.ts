import { mkdir, readdir, rm, symlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { createSweepMetrics, silentLogger, systemClock } from '@reactor/core';
import { openDatabase } from '@reactor/postgres';
import { everyMetricMoves, sample } from '@reactor/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { storageHealth, storageProbes } from '../src/index.js';
import { createTestStorage, type TestStorage } from './support/storage.js';
import { createSweeper } from './support/sweeper.js';

/** More than is read at once. */
const STREAMED = 'x'.repeat(100_000);

describe('metrics', () => {
  it('each move', async () => {
    const storage = await createTestStorage();
    await storage.bucket('b');
    const alice = storage.as('alice');
    const upload = () => alice('PUT', '/object/b/a', { body: `at ${performance.now()}` });
    await upload();
    const { metrics } = storage.storage;
    const own = createSweepMetrics('storage');
    const sweeper = createSweeper(storage);
    const sweep = async () => own.swept(await sweeper.run());
    const replaceAndSweep = async () => {
      await upload();
      await sweep();
    };
    await everyMetricMoves(
      // The sweeper of the capability has its own time; this one is run by hand.
      { ...metrics, families: [...own.families, ...metrics.families.filter(({ name }) => !name.includes('swe'))] },
      {
        reactor_storage_operations_total: upload,
        reactor_storage_received_bytes_total: upload,
        reactor_storage_sent_bytes_total: async () => (await alice('GET', '/object/b/a')).text(),
        reactor_storage_backend_duration_seconds: upload,
        reactor_storage_sweeps_total: sweep,
        reactor_storage_swept_files_total: replaceAndSweep,
        reactor_storage_objects: () => alice('PUT', '/object/b/b', { body: 'x' }),
        reactor_storage_stored_bytes: () => alice('PUT', '/object/b/a', { body: 'much longer than it was' }),
        reactor_storage_condemned_blobs: upload,
      },
    );
  });

  it('count each operation by how it ended', async () => {
    const { as, bucket, storage, blobs, root } = await createTestStorage();
    await bucket('b', true);
    const count = (operation: string, result: string) =>
      sample(storage.metrics, `reactor_storage_operations_total{operation="${operation}",result="${result}"}`);
    await as('alice')('PUT', '/object/b/a', { body: STREAMED });
    await as('bob')('PUT', '/object/b/a', { body: STREAMED });
    expect([await count('put', 'ok'), await count('put', 'rejected')]).toEqual([1, 1]);

    const whole = await as('alice')('GET', '/object/b/a');
    expect(await count('get', 'ok')).toBe(0);
    await whole.text();
    const etag = String(whole.headers.get('ETag'));
    await as('alice')('GET', '/object/b/a', { headers: { 'If-None-Match': etag } });
    await (await as('alice')('GET', '/object/b/a')).body?.cancel();
    await as('alice')('GET', '/object/b/none');
    expect([await count('get', 'ok'), await count('get', 'aborted'), await count('get', 'rejected')]).toEqual([
      2, 1, 1,
    ]);

    await as('alice')('HEAD', '/object/b/a');
    await as('alice')('HEAD', '/object/b/none');
    expect([await count('head', 'ok'), await count('head', 'rejected')]).toEqual([1, 1]);
    await as('alice')('GET', '/buckets/b/objects');
    await as('alice')('GET', '/buckets/none/objects');
    expect([await count('list', 'ok'), await count('list', 'rejected')]).toEqual([1, 1]);

    for await (const { key } of blobs.list('')) await blobs.delete(key);
    await as('alice')('GET', '/object/b/a');
    await rm(root, { recursive: true });
    await as('alice')('GET', '/object/b/a');
    await as('alice')('PUT', '/object/b/a', { body: 'x' });
    await mkdir(root);
    expect([await count('get', 'failed'), await count('put', 'failed')]).toEqual([2, 1]);

    await as('alice')('DELETE', '/object/b/a');
    await as('alice')('DELETE', '/object/b/a');
    expect([await count('delete', 'ok'), await count('delete', 'rejected')]).toEqual([1, 1]);
    expect(await sample(storage.metrics, 'reactor_storage_sent_bytes_total')).toBe(STREAMED.length);
    expect(await sample(storage.metrics, 'reactor_storage_received_bytes_total')).toBe(STREAMED.length);
    expect(await sample(storage.metrics, 'reactor_storage_backend_duration_seconds_count{operation="put"}')).toBe(1);
    expect(await sample(storage.metrics, 'reactor_storage_backend_duration_seconds_count{operation="get"}')).toBe(2);
  });

  it('add up what is stored, whatever happened to it', async () => {
    const { as, bucket, storage, database } = await createTestStorage();
    const stored = async () => [
      await sample(storage.metrics, 'reactor_storage_objects'),
      await sample(storage.metrics, 'reactor_storage_stored_bytes'),
    ];
    expect(await stored()).toEqual([0, 0]);
    await bucket('b');
    await bucket('c');
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => as('alice')('PUT', `/object/b/${i}`, { body: 'x'.repeat(i) })),
    );
    await as('alice')('PUT', '/object/c/1', { body: 'x'.repeat(1_000) });
    expect(await stored()).toEqual([21, 1_190]);
    await as('alice')('PUT', '/object/b/0', { body: 'x'.repeat(100) });
    await as('alice')('PUT', '/object/b/19', { body: '' });
    expect(await stored()).toEqual([21, 1_271]);
    await as('alice')('DELETE', '/object/b/0');
    expect(await stored()).toEqual([20, 1_171]);
    await as('admin')('DELETE', '/buckets/b?cascade=true');
    expect(await stored()).toEqual([1, 1_000]);
    const { rows } = await database.query<{ slot: number }>('SELECT slot FROM reactor_storage.usage');
    expect(rows).toHaveLength(16);
  });
});

/** A database that nobody listens for. */
function unreachable() {
  const connectionString = 'postgres://nobody@127.0.0.1:1/none';
  const database = openDatabase({ connectionString, logger: silentLogger, clock: systemClock });
  onTestFinished(() => database.close());
  return database;
}

describe('health', () => {
  it('is ok, and names each thing that fails', async () => {
    const { storage, root, blobs, database } = await createTestStorage();
    const check = (health: ReturnType<typeof storageHealth>) => health.check(AbortSignal.timeout(health.timeoutMs));
    expect(await check(storage.health)).toEqual({ status: 'ok' });
    expect(await check(storageHealth({ database: unreachable(), blobs }))).toEqual({
      status: 'error',
      reason: 'the database does not answer',
    });
    await rm(root, { recursive: true });
    expect(await check(storage.health)).toEqual({ status: 'error', reason: 'the blob folder is missing' });
    expect(await check(storageHealth({ database: unreachable(), blobs }))).toEqual({
      status: 'error',
      reason: 'the database does not answer; the blob folder is missing',
    });
    await mkdir(root);
    expect(await check(storageHealth({ database, blobs }))).toEqual({ status: 'ok' });
  });
});

describe('the health route', () => {
  it('says it to anybody, with the version, and the reason when it is not', async () => {
    const { as, root } = await createTestStorage();
    const ask = async () => {
      const answer = await as(undefined)('GET', '/health');
      return [answer.status, await answer.json()];
    };
    expect(await ask()).toEqual([200, { status: 'ok', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) }]);
    await rm(root, { recursive: true });
    // Those who ask within a second share an answer.
    await vi.waitUntil(async () => (await ask())[0] === 503, { timeout: 5_000 });
    expect(await ask()).toEqual([
      503,
      { status: 'error', version: expect.any(String), reason: 'the blob folder is missing' },
    ]);
  });
});

describe('probes', () => {
  async function run(storage: TestStorage, name: string, overrides: object = {}) {
    const options = { database: storage.database, blobs: storage.blobs };
    const probe = storageProbes({ ...options, ...overrides }).find((candidate) => candidate.name === name);
    if (probe === undefined) throw new Error(`no probe ${name}`);
    return probe.run(AbortSignal.timeout(probe.timeoutMs));
  }

  it('db_ping', async () => {
    const storage = await createTestStorage();
    expect(await run(storage, 'db_ping')).toEqual({
      status: 'ok',
      message: expect.stringMatching(/^PostgreSQL \d+\.\d+/),
    });
    expect(await run(storage, 'db_ping', { database: unreachable() })).toMatchObject({
      status: 'fail',
      code: 'database_unavailable',
    });
  });

  it('fs_writable and objects_readable, of a folder that nobody has made yet', async () => {
    const storage = await createTestStorage();
    const blobs = createFilesystemBlobStore({ root: storage.root, clock: systemClock });
    await rm(storage.root, { recursive: true });
    expect(await run(storage, 'fs_writable', { blobs })).toEqual({
      status: 'ok',
      message: 'the blob folder is made at the next start',
    });
    expect(await run(storage, 'objects_readable', { blobs })).toMatchObject({ status: 'ok' });

    // With objects on record, it is not new but lost.
    await mkdir(storage.root);
    await storage.bucket('b');
    await storage.as('alice')('PUT', '/object/b/a', { body: 'x' });
    await rm(storage.root, { recursive: true });
    expect(await run(storage, 'objects_readable', { blobs })).toMatchObject({ status: 'fail', code: 'blob_missing' });
  });

  it('objects_readable', async () => {
    const storage = await createTestStorage();
    await storage.bucket('b');
    for (const key of ['a', 'b', 'c']) await storage.as('alice')('PUT', `/object/b/${key}`, { body: 'x' });
    expect(await run(storage, 'objects_readable')).toMatchObject({
      status: 'ok',
      message: expect.stringContaining('3'),
    });
    for await (const { key } of storage.blobs.list('')) await storage.blobs.delete(key);
    expect(await run(storage, 'objects_readable')).toMatchObject({
      status: 'fail',
      code: 'blob_missing',
      message: 'The bytes of 3 of 3 objects looked at are not in the blob store.',
    });
  });

  it('objects_readable, of damaged bytes', async () => {
    const storage = await createTestStorage();
    await storage.bucket('b');
    for (const key of ['a', 'b']) await storage.as('alice')('PUT', `/object/b/${key}`, { body: 'x'.repeat(100) });
    const entries = await readdir(storage.root, { recursive: true, withFileTypes: true });
    const [first, second] = entries.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
    await truncate(String(first), 5);
    expect(await run(storage, 'objects_readable')).toEqual({
      status: 'fail',
      code: 'blob_damaged',
      message: expect.stringMatching(
        /^The bytes of 1 of 2 objects looked at are not as they were stored: objects\/\S+ has 5 bytes, and 100 were stored\.$/,
      ),
      remedy: expect.stringContaining('backup'),
    });
    for (const file of [first, second]) {
      await rm(String(file));
      await symlink('/etc/hostname', String(file));
    }
    expect(await run(storage, 'objects_readable')).toMatchObject({
      code: 'blob_damaged',
      message: expect.stringMatching(/^The bytes of 2 of 2 .* is a symbolic link, not a file\.$/),
    });
  });

  it('removed_blobs', async () => {
    const storage = await createTestStorage();
    await storage.bucket('b');
    await storage.as('alice')('PUT', '/object/b/a', { body: 'x' });
    await storage.as('alice')('DELETE', '/object/b/a');
    expect(await run(storage, 'removed_blobs')).toMatchObject({ status: 'ok', message: '1 blobs wait for removal' });
    await storage.database.query("UPDATE reactor_storage.blobs SET condemned_at = now() - interval '2 hours'");
    expect(await run(storage, 'removed_blobs')).toMatchObject({
      status: 'warn',
      code: 'removal_backlog',
      message: expect.stringContaining('120 minutes'),
    });
  });

  it('say what they need and what they vouch for', async () => {
    const { storage } = await createTestStorage();
    expect(storage.probes.map(({ name, provides, dependsOn }) => ({ name, provides, dependsOn }))).toEqual([
      { name: 'db_ping', provides: 'database', dependsOn: undefined },
      { name: 'fs_writable', provides: 'blobs', dependsOn: ['blob_space'] },
      { name: 'disk_space', provides: 'blob_space', dependsOn: undefined },
      { name: 'objects_readable', provides: undefined, dependsOn: ['database', 'blobs'] },
      { name: 'removed_blobs', provides: undefined, dependsOn: ['database', 'blobs'] },
    ]);
  });
});
