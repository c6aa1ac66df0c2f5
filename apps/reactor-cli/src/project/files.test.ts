import { execFileSync } from 'node:child_process';
import { lstat, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryDirectory } from '@reactor/testing';
import { expect, test } from 'vitest';
import { writeIfChanged } from './files.js';

async function folder(): Promise<string> {
  const path = await temporaryDirectory();
  return path;
}

test('a file is made, left alone when it is the same, and replaced when it is not', async () => {
  const path = await folder();
  const file = join(path, 'types.ts');
  expect(await writeIfChanged(file, 'a')).toBe(true);
  const { mtimeMs, ino } = await lstat(file);
  expect(await writeIfChanged(file, 'a')).toBe(false);
  expect(await lstat(file)).toMatchObject({ mtimeMs, ino });
  expect(await writeIfChanged(file, 'b')).toBe(true);
  expect(await readFile(file, 'utf8')).toBe('b');
  expect(await readdir(path)).toEqual(['types.ts']);
});

test('a link stays one, and so does a pipe', async () => {
  const path = await folder();
  const [file, link, pipe] = [join(path, 'file'), join(path, 'link'), join(path, 'pipe')];
  await writeFile(file, 'a');
  await symlink(file, link);
  await writeIfChanged(link, 'b');
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await readFile(file, 'utf8')).toBe('b');

  execFileSync('mkfifo', [pipe]);
  const [text] = await Promise.all([readFile(pipe, 'utf8'), writeIfChanged(pipe, 'c')]);
  expect(text).toBe('c');
  expect((await lstat(pipe)).isFIFO()).toBe(true);
});

test('what cannot be written is named', async () => {
  const path = await folder();
  await expect(writeIfChanged(path, 'a')).rejects.toThrow(`${path} cannot be written: EISDIR`);
  await expect(writeIfChanged(join(path, 'none', 'file'), 'a')).rejects.toThrow('cannot be written: ENOENT');
});
