import type { StatsFs } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestStorage, refusal, type TestStorage } from './support/storage.js';

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

const check = ({ blobs }: TestStorage) => blobs.check(AbortSignal.timeout(5_000));

function probeSpace({ storage }: TestStorage) {
  return storage.probes.find(({ name }) => name === 'disk_space')?.run(AbortSignal.timeout(5_000));
}

describe('a disk with less room than is reserved', () => {
  it('fails health and uploads before the last byte is gone, and nothing else', async () => {
    disk({});
    const storage = await createTestStorage();
    const { as, bucket } = storage;
    await bucket('b');
    await as('alice')('PUT', '/object/b/a', { body: 'before' });

    disk({ bavail: (16 * MIB) / 4096 });
    expect(await check(storage)).toEqual({ status: 'ok' });
    expect((await as('alice')('PUT', '/object/b/b', { body: 'x' })).status).toBe(200);

    // What only root may still use does not count.
    disk({ bavail: (16 * MIB) / 4096 - 1, bfree: 9e8 });
    expect(await check(storage)).toEqual({ status: 'error', reason: 'the blob folder is full' });
    expect(await storage.storage.health.check(AbortSignal.timeout(5_000))).toEqual({
      status: 'error',
      reason: 'the blob folder is full',
    });
    expect(await refusal(await as('alice')('PUT', '/object/b/c', { body: 'x' }))).toBe('507 insufficient_storage');
    expect(await (await as('alice')('GET', '/object/b/a')).text()).toBe('before');
    expect((await as('alice')('DELETE', '/object/b/a')).status).toBe(204);
  });

  it('is what the doctor names', async () => {
    disk({});
    const storage = await createTestStorage();
    disk({ bavail: 1000, blocks: 40_000 });
    expect(await probeSpace(storage)).toEqual({
      status: 'fail',
      code: 'disk_full',
      message: '3.9 MiB of 156.3 MiB are free; uploads are refused below 16 MiB.',
      remedy: expect.stringContaining('Make room'),
    });
  });
});

it('is full without room for one more file, however many bytes are free', async () => {
  disk({});
  const storage = await createTestStorage();
  disk({ ffree: 0 });
  expect(await check(storage)).toEqual({ status: 'error', reason: 'the blob folder is full' });
  expect(await probeSpace(storage)).toMatchObject({
    status: 'fail',
    code: 'disk_full',
    message: expect.stringContaining('no inode is left'),
  });
});

it.each([
  ['blocks', { blocks: 0, bavail: 0 }],
  ['files', { files: 0, ffree: 0 }],
])('takes a file system that counts no %s at its word when it writes', async (_, counts) => {
  disk({});
  const storage = await createTestStorage();
  disk(counts);
  expect(await check(storage)).toEqual({ status: 'ok' });
});
