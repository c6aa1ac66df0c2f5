import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDirectory } from '../../testing/src/temporary-directory.js';
import { prepareSocketDirectory, SocketDirectoryError } from '../src/index.js';

const longestName = 'instance-00.sock';
const prepare = (preferred: string) => prepareSocketDirectory({ preferred, longestName, account: undefined });

test('is private and stays where it was asked for', async () => {
  const preferred = join(await temporaryDirectory(), 'run');
  await mkdir(preferred, { mode: 0o755 });
  const directory = await prepare(preferred);
  expect(directory.path).toBe(preferred);
  expect(statSync(preferred).mode & 0o777).toBe(0o700);
  await directory.remove();
  expect(existsSync(preferred)).toBe(true);
});

/** The longest folder in which a socket of `longestName` still fits into 103 bytes, and how far from it. */
async function folderOf(bytesOver: number): Promise<string> {
  const base = await temporaryDirectory();
  return join(base, 'x'.repeat(103 - longestName.length - base.length - 2 + bytesOver));
}

test('moves below /tmp one byte past what a socket path can hold, and is removed from there', async () => {
  const fits = await folderOf(0);
  expect((await prepare(fits)).path).toBe(fits);
  const directory = await prepare(await folderOf(1));
  expect(directory.path).toMatch(/^\/tmp\/reactor-[0-9a-f]{12}$/);
  expect(statSync(directory.path).mode & 0o777).toBe(0o700);
  await directory.remove();
  expect(existsSync(directory.path)).toBe(false);
});

test('a link that somebody put there is refused', async () => {
  const preferred = await folderOf(1);
  const path = `/tmp/reactor-${createHash('sha256').update(preferred).digest('hex').slice(0, 12)}`;
  await symlink(await temporaryDirectory(), path);
  onTestFinished(() => rm(path));
  const refusal = await prepare(preferred).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(SocketDirectoryError);
  expect(refusal).toMatchObject({ path, message: expect.stringContaining('belongs to uid') });
});

test('a folder that cannot be created is named', async () => {
  const preferred = join(await temporaryDirectory(), 'missing', 'run');
  await expect(prepare(preferred)).rejects.toMatchObject({
    path: preferred,
    message: expect.stringContaining('ENOENT'),
  });
});
