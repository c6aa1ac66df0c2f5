import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createBlobSweep, createSweepMetrics, type LogFields, metricsContributor, silentLogger } from '@reactor/core';
import { sample } from '@reactor/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createTestStorage, refusal, type TestStorage } from './support/storage.js';
import { createSweeper } from './support/sweeper.js';

const HOUR_MS = 3_600_000;

async function keys({ blobs }: TestStorage): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of blobs.list('')) found.push(key);
  return found.sort();
}

async function put({ blobs }: TestStorage, key: string): Promise<void> {
  const body = async function* () {
    yield Buffer.from('x');
  };
  await blobs.put(key, body(), { maxBytes: 100 });
}

/** Where this database keeps its blobs. */
async function folder({ database }: TestStorage): Promise<string> {
  const { rows } = await database.query<{ id: string }>('SELECT id FROM reactor_storage.store');
  return `objects/${rows[0]?.id}`;
}

it('removes what was deleted or replaced, at once, and nothing else', async () => {
  const storage = await createTestStorage();
  const alice = storage.as('alice');
  await storage.bucket('b');
  await storage.bucket('c');
  for (const key of ['kept', 'replaced', 'deleted']) await alice('PUT', `/object/b/${key}`, { body: key });
  await alice('PUT', '/object/c/x', { body: 'with its bucket' });
  await alice('PUT', '/object/b/replaced', { body: 'new' });
  await alice('DELETE', '/object/b/deleted');
  await storage.as('admin')('DELETE', '/buckets/c?cascade=true');
  expect(await keys(storage)).toHaveLength(5);
  expect(await createSweeper(storage).run()).toEqual({ temporary: 0, orphan: 0, condemned: 3 });
  expect(await keys(storage)).toHaveLength(2);
  expect(await (await alice('GET', '/object/b/kept')).text()).toBe('kept');
  expect(await (await alice('GET', '/object/b/replaced')).text()).toBe('new');
  expect(await createSweeper(storage).run()).toEqual({ temporary: 0, orphan: 0, condemned: 0 });
});

it('removes what uploads left behind, once it is older than an hour', async () => {
  const storage = await createTestStorage();
  await storage.bucket('b');
  await storage.as('alice')('PUT', '/object/b/kept', { body: 'kept' });
  const own = await folder(storage);
  const [kept] = await keys(storage);
  await put(storage, `${own}/ab/orphan`);
  await put(storage, `objects/of-another-database/ab/blob`);
  await put(storage, 'bundles/of-another-capability');
  await writeFile(join(storage.root, '+tmp/half'), 'half an upload');
  const others = [kept, 'bundles/of-another-capability', 'objects/of-another-database/ab/blob'].sort();

  storage.advance(HOUR_MS / 2);
  expect(await createSweeper(storage).run()).toEqual({ temporary: 0, orphan: 0, condemned: 0 });
  expect(await keys(storage)).toEqual([`${own}/ab/orphan`, ...others].sort());
  storage.advance(HOUR_MS);
  expect(await createSweeper(storage).run()).toEqual({ temporary: 1, orphan: 1, condemned: 1 });
  expect(await keys(storage)).toEqual(others);
  expect(await readdir(join(storage.root, '+tmp'))).toEqual([]);
  expect(await (await storage.as('alice')('GET', '/object/b/kept')).text()).toBe('kept');
});

it('looks for leftovers once an hour, for removals each time', async () => {
  const storage = await createTestStorage();
  const sweeper = createSweeper(storage);
  const own = await folder(storage);
  await sweeper.run();
  await put(storage, `${own}/ab/orphan`);
  storage.advance(HOUR_MS - 60_000);
  expect(await sweeper.run()).toMatchObject({ orphan: 0 });
  storage.advance(120_000);
  expect(await sweeper.run()).toMatchObject({ orphan: 1 });
});

it.each([1, 2])('refuses an upload whose blob was condemned before it was committed (sweeps: %i)', async (sweeps) => {
  const storage = await createTestStorage();
  const alice = storage.as('alice');
  await storage.bucket('b');
  await alice('PUT', '/object/b/a', { body: 'old' });
  const write = storage.blobs.put.bind(storage.blobs);
  storage.blobs.put = async (...args) => {
    storage.blobs.put = write;
    const blob = await write(...args);
    // The database froze for hours, say.
    for (let i = 0; i < sweeps; i++) {
      storage.advance(2 * HOUR_MS);
      await createSweeper(storage).run();
    }
    return blob;
  };
  expect(await refusal(await alice('PUT', '/object/b/a', { body: 'new' }))).toBe('503 storage_unavailable');
  expect(await (await alice('GET', '/object/b/a')).text()).toBe('old');
  expect((await alice('PUT', '/object/b/a', { body: 'again' })).status).toBe(200);
});

it('forgets removed blobs after a day', async () => {
  const storage = await createTestStorage();
  await storage.bucket('b');
  await storage.as('alice')('PUT', '/object/b/a', { body: 'x' });
  await storage.as('alice')('DELETE', '/object/b/a');
  await createSweeper(storage).run();
  const count = async () => (await storage.database.query('SELECT FROM reactor_storage.blobs')).rows.length;
  expect(await count()).toBe(1);
  await storage.database.query("UPDATE reactor_storage.blobs SET removed_at = now() - interval '25 hours'");
  await createSweeper(storage).run();
  expect(await count()).toBe(0);
});

it('works through more than one batch, and beside another server', async () => {
  const storage = await createTestStorage();
  const own = await folder(storage);
  for (let i = 0; i < 40; i++) await put(storage, `${own}/ab/orphan-${i}`);
  await storage.database.query(
    "INSERT INTO reactor_storage.blobs (key, condemned_at) SELECT 'gone/' || i, now() FROM generate_series(1, 1200) i",
  );
  storage.advance(2 * HOUR_MS);
  const results = await Promise.all([createSweeper(storage).run(), createSweeper(storage).run()]);
  expect(results[0].orphan + results[1].orphan).toBe(40);
  expect(await keys(storage)).toEqual([]);
  const { rows } = await storage.database.query('SELECT FROM reactor_storage.blobs WHERE removed_at IS NULL');
  expect(rows).toEqual([]);
});

/** Of a busy machine. */
const PATIENCE = { timeout: 20_000 };

it('runs by itself until it is stopped, and survives a pass that fails', async () => {
  const storage = await createTestStorage();
  await storage.bucket('b');
  const alice = storage.as('alice');
  const metrics = createSweepMetrics('storage');
  const contributor = metricsContributor(metrics.families);
  const passes = (result: string) => sample(contributor, `reactor_storage_sweeps_total{result="${result}"}`);
  const lines: string[] = [];
  const write = (message: string, fields?: LogFields) => lines.push(`${message} ${JSON.stringify(fields)}`);
  const { sweeper } = createSweeper(storage);
  const sweeping = createBlobSweep({
    services: { each: () => [sweeper] },
    sweeperOf: (own) => own,
    metrics,
    logger: { ...silentLogger, error: write, info: write },
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  sweeping.start();

  await alice('PUT', '/object/b/a', { body: 'x' });
  await alice('DELETE', '/object/b/a');
  vi.advanceTimersByTime(90_000);
  await vi.waitUntil(async () => (await passes('ok')) === 1, PATIENCE);
  expect(await keys(storage)).toEqual([]);
  expect(lines).toEqual(['sweep removed files {"temporary":0,"orphan":0,"condemned":1}']);

  await rm(storage.root, { recursive: true });
  storage.advance(2 * HOUR_MS);
  await vi.waitUntil(async () => {
    vi.advanceTimersByTime(90_000);
    return (await passes('failed')) > 0;
  }, PATIENCE);
  expect(lines[1]).toMatch(/^sweep failed/);

  await mkdir(storage.root);
  const before = await passes('ok');
  await vi.waitUntil(async () => {
    vi.advanceTimersByTime(90_000);
    return (await passes('ok')) > before;
  }, PATIENCE);

  await sweeping.stop(AbortSignal.timeout(1_000));
  const after = await passes('ok');
  vi.advanceTimersByTime(3 * HOUR_MS);
  expect(vi.getTimerCount()).toBe(0);
  expect(await passes('ok')).toBe(after);
});

it('goes on to the others when it fails for one', async () => {
  const [broken, sound] = await Promise.all([createTestStorage(), createTestStorage()]);
  await sound.bucket('b');
  await sound.as('alice')('PUT', '/object/b/a', { body: 'x' });
  await sound.as('alice')('DELETE', '/object/b/a');
  await rm(broken.root, { recursive: true });
  const metrics = createSweepMetrics('storage');
  const contributor = metricsContributor(metrics.families);
  const sweeping = createBlobSweep({
    services: { each: () => [createSweeper(broken).sweeper, createSweeper(sound).sweeper] },
    sweeperOf: (own) => own,
    metrics,
    logger: silentLogger,
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  sweeping.start();
  onTestFinished(() => sweeping.stop(AbortSignal.timeout(1_000)));
  vi.advanceTimersByTime(3_000);
  await vi.waitUntil(
    async () => (await sample(contributor, 'reactor_storage_sweeps_total{result="ok"}')) === 1,
    PATIENCE,
  );
  expect(await sample(contributor, 'reactor_storage_sweeps_total{result="failed"}')).toBe(1);
  expect(await keys(sound)).toEqual([]);
});

it('stops in the middle of a pass', async () => {
  const storage = await createTestStorage();
  await storage.database.query(
    "INSERT INTO reactor_storage.blobs (key, condemned_at) SELECT 'gone/' || i, now() FROM generate_series(1, 400) i",
  );
  const abort = new AbortController();
  const { sweeper } = createSweeper(storage);
  const remove = storage.blobs.delete.bind(storage.blobs);
  let removed = 0;
  storage.blobs.delete = async (key) => {
    removed += 1;
    if (removed === 10) abort.abort(new Error('stopping'));
    await remove(key);
  };
  await expect(sweeper.sweep(abort.signal)).rejects.toThrow('stopping');
  expect(removed).toBe(10);
});
