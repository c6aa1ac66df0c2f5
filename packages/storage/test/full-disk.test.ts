import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { beforeEach, expect, it, vi } from 'vitest';
import { createTestStorage, refusal } from './support/storage.js';

// No test may fill the disk it runs on, and to mount one of its own takes root: what the system says is put in here.
vi.mock(import('node:fs/promises'), async (original) => {
  const actual = await original();
  return { ...actual, statfs: vi.fn(actual.statfs) as typeof actual.statfs };
});

const MIB = 1024 * 1024;

beforeEach(() => {
  vi.mocked(statfs).mockReset();
});

/** From now on, the disk has this many blocks of 4 KiB and files, free or in all. */
function disk(counts: Partial<StatsFs>): void {
  const roomy = { type: 0, bsize: 4096, blocks: 1e9, bfree: 9e8, bavail: 9e8, files: 1e9, ffree: 9e8 };
  vi.mocked(statfs).mockResolvedValue({ ...roomy, ...counts });
}

it('fails health and uploads before the last byte is gone, and nothing else', async () => {
  disk({});
  const { storage, as, bucket } = await createTestStorage();
  await bucket('b');
  await as('alice')('PUT', '/object/b/a', { body: 'before' });

  disk({ bavail: (16 * MIB) / 4096 });
  expect((await as('alice')('PUT', '/object/b/b', { body: 'x' })).status).toBe(200);

  disk({ bavail: (16 * MIB) / 4096 - 1 });
  expect(await storage.health.check(AbortSignal.timeout(5_000))).toEqual({
    status: 'error',
    reason: 'the blob folder is full',
  });
  expect(await refusal(await as('alice')('PUT', '/object/b/c', { body: 'x' }))).toBe('507 insufficient_storage');
  expect(await (await as('alice')('GET', '/object/b/a')).text()).toBe('before');
  expect((await as('alice')('DELETE', '/object/b/a')).status).toBe(204);
});
