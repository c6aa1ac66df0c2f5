import { readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobStore, systemClock } from '@reactor/core';
import {
  DISK_BLOCK_BYTES as BLOCK,
  diskHas,
  everyMetricMoves,
  linksFailWith,
  temporaryDirectory,
} from '@reactor/testing';
import { describe, expect, it } from 'vitest';
import { createFilesystemBlobStore } from './filesystem.js';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

async function createStore(): Promise<{ root: string; store: BlobStore }> {
  const root = join(await temporaryDirectory(), 'blobs');
  const store = createFilesystemBlobStore({ root, clock: systemClock });
  await store.prepare();
  return { root, store };
}

async function* bytes(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('x');
}

const check = (store: BlobStore) => store.check(AbortSignal.timeout(5_000));

async function run({ probes }: BlobStore, name: string) {
  return probes.find((probe) => probe.name === name)?.run(AbortSignal.timeout(5_000));
}

describe('a full disk', () => {
  it('takes no blob before the last byte is gone', async () => {
    diskHas({});
    const { store } = await createStore();
    diskHas({ bavail: (16 * MIB) / BLOCK });
    expect(await check(store)).toEqual({ status: 'ok' });
    await store.put('a', bytes(), { maxBytes: 1 });
    // What only root may still use does not count.
    diskHas({ bavail: (16 * MIB) / BLOCK - 1, bfree: 9e8 });
    expect(await check(store)).toEqual({ status: 'error', reason: 'the blob folder is full' });
    await expect(store.put('b', bytes(), { maxBytes: 1 })).rejects.toMatchObject({ code: 'insufficient_storage' });
  });

  it('is what the doctor names, and says where', async () => {
    diskHas({});
    const { root, store } = await createStore();
    diskHas({ bavail: 1000, blocks: 40_000 });
    expect(await run(store, 'disk_space')).toEqual({
      status: 'fail',
      code: 'disk_full',
      message: '3.9 MiB of 156.3 MiB are free; nothing is stored below 16 MiB.',
      remedy: `Make room on the file system of ${root}, or move it to a larger one.`,
    });
  });

  it('is one without room for one more file, however many bytes are free', async () => {
    diskHas({});
    const { store } = await createStore();
    diskHas({ ffree: 0 });
    expect(await check(store)).toEqual({ status: 'error', reason: 'the blob folder is full' });
    expect(await run(store, 'disk_space')).toMatchObject({
      status: 'fail',
      code: 'disk_full',
      message: expect.stringContaining('no inode is left'),
    });
  });

  it.each([
    ['blocks', { blocks: 0, bavail: 0 }],
    ['files', { files: 0, ffree: 0 }],
  ])('is not one that counts no %s: writing will tell', async (_, counts) => {
    diskHas({});
    const { store } = await createStore();
    diskHas(counts);
    expect(await check(store)).toEqual({ status: 'ok' });
  });
});

it.each([
  ['1 GiB of a small disk', 1 * GIB - BLOCK, 10 * GIB],
  ['a twentieth of a large one', 5 * GIB - BLOCK, 100 * GIB],
])('warns below %s', async (_, free, size) => {
  diskHas({});
  const { store } = await createStore();
  diskHas({ bavail: free / BLOCK, blocks: size / BLOCK });
  expect(await run(store, 'disk_space')).toMatchObject({ status: 'warn', code: 'disk_low' });
  diskHas({ bavail: free / BLOCK + 1, blocks: size / BLOCK });
  expect(await run(store, 'disk_space')).toMatchObject({
    status: 'ok',
    message: `${free / GIB < 1 ? 1 : 5} GiB of ${size / GIB} GiB are free`,
  });
});

it('leaves a folder that is gone to fs_writable', async () => {
  const { root, store } = await createStore();
  await rm(root, { recursive: true });
  expect(await run(store, 'disk_space')).toEqual({ status: 'ok', message: 'not known: the blob folder is missing' });
  expect(await run(store, 'fs_writable')).toEqual({
    status: 'fail',
    code: 'enoent',
    message: 'A file could not be written, read and removed: the blob folder is missing.',
    remedy: expect.stringContaining(root),
  });
});

it.each(['EPERM', 'ENOTSUP', 'ENOSYS'])('says that a file system has no hard links (%s)', async (code) => {
  const { root, store } = await createStore();
  linksFailWith(code);
  await expect(store.put('a', bytes(), { maxBytes: 1 })).rejects.toMatchObject({ code: 'storage_unavailable' });
  expect(await run(store, 'fs_writable')).toMatchObject({
    status: 'fail',
    code: 'enotsup',
    message: expect.stringContaining('the file system of the blob folder has no hard links'),
  });
  expect(await readdir(join(root, '+tmp'))).toEqual([]);
});

it('says what its probes need and what they vouch for', async () => {
  const { store } = await createStore();
  expect(store.probes.map(({ name, provides, dependsOn }) => ({ name, provides, dependsOn }))).toEqual([
    { name: 'fs_writable', provides: 'blobs', dependsOn: ['blob_space'] },
    { name: 'disk_space', provides: 'blob_space', dependsOn: undefined },
  ]);
});

it('has metrics that move', async () => {
  const { root, store } = await createStore();
  const movesTo = async (path: string) => {
    await rm(root, { recursive: true });
    await symlink(path, root);
  };
  await everyMetricMoves(store.metrics, {
    reactor_blobs_disk_free_bytes: () => writeFile(join(root, 'ballast'), Buffer.alloc(5_000_000)),
    reactor_blobs_disk_size_bytes: () => movesTo('/proc'),
  });
});
