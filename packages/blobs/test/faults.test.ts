import { chmod, chown, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@reactor/core';
import { outputOf, runInChild, temporaryDirectory } from '@reactor/testing';
import { expect, it } from 'vitest';
import { publicReason } from '../src/filesystem/filesystem-errors.js';
import { createFilesystemBlobStore } from '../src/index.js';

const CHILD = new URL('support/faults-child.ts', import.meta.url);

/** Permissions bind everybody but root: as root, the store runs as the user `nobody` of most systems. */
const ROOT = process.getuid?.() === 0;
const PLAIN_USER = ROOT ? '65534' : '';

async function usedFolder(): Promise<{ root: string; temporary: string }> {
  const parent = await temporaryDirectory();
  const root = join(parent, 'blobs');
  const store = createFilesystemBlobStore({ root, clock: systemClock });
  await store.prepare();
  const body = async function* () {
    yield Buffer.from('before');
  };
  await store.put('before', body(), { maxBytes: 100 });
  if (ROOT) {
    for (const path of [parent, root, join(root, '+tmp'), join(root, 'before+blob')]) await chown(path, 65_534, 65_534);
  }
  return { root, temporary: join(root, '+tmp') };
}

it('can be used by a plain user', async () => {
  const { root } = await usedFolder();
  expect(await outputOf(runInChild(CHILD, [root, PLAIN_USER]))).toEqual({
    check: { status: 'ok' },
    probe: 'ok',
    small: 'ok',
    large: 'ok',
    read: 'ok',
  });
});

it('says so when the folder may not be written to, and goes on reading', async () => {
  const { root, temporary } = await usedFolder();
  await chmod(temporary, 0o500);
  await chmod(root, 0o500);
  expect(await outputOf(runInChild(CHILD, [root, PLAIN_USER]))).toEqual({
    check: { status: 'error', reason: 'the blob folder is not writable' },
    probe: 'fail',
    small: '503 storage_unavailable',
    large: '503 storage_unavailable',
    read: 'ok',
  });
});

it('says so when the folder may not be looked into', async () => {
  const { root } = await usedFolder();
  await chmod(root, 0o000);
  expect(await outputOf(runInChild(CHILD, [root, PLAIN_USER]))).toEqual({
    check: { status: 'error', reason: 'the blob folder is not writable' },
    probe: 'fail',
    small: '503 storage_unavailable',
    large: '503 storage_unavailable',
    read: '503 storage_unavailable',
  });
});

it('keeps nothing of an upload for which there is no room', async () => {
  const { root, temporary } = await usedFolder();
  // A file of more than 200 blocks of 512 or 1024 bytes: what a full disk answers, for one process.
  const limited = ['sh', '-c', 'ulimit -f 200; exec "$@"', 'sh'];
  expect(await outputOf(runInChild(CHILD, [root, ''], limited))).toEqual({
    check: { status: 'ok' },
    probe: 'ok',
    small: 'ok',
    large: '507 insufficient_storage',
    read: 'ok',
  });
  expect(await readdir(temporary)).toEqual([]);
  expect((await readdir(root)).sort()).toEqual(['+tmp', 'before+blob', 'small+blob']);
});

it.each([
  ['ENOENT', 'the blob folder is missing'],
  ['ENOTDIR', 'the blob folder is not a directory'],
  ['EROFS', 'the blob folder is mounted read-only'],
  ['EPERM', 'the blob folder is not writable'],
  ['ENOSPC', 'the blob folder is full'],
  ['EIO', 'the blob folder cannot be used'],
])('has a public reason for %s', (code, reason) => {
  expect(publicReason(Object.assign(new Error('open /secret/path'), { code }))).toBe(reason);
});
