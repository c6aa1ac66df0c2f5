import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { readArchive } from '@reactor/archive';
import { temporaryDirectory } from '@reactor/testing';
import { expect, test } from 'vitest';
import { listBundle, packBundle } from './bundle.js';

const LIMITS = {
  maxArchiveBytes: 1e8,
  maxUnpackedBytes: 1e8,
  maxRatio: 2000,
  maxEntries: 1000,
  maxPathBytes: 1024,
  maxPathDepth: 32,
};

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryDirectory();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

test('packs files by their paths, the same each time, without what stays here', async () => {
  const files = {
    'lib-x.ts': 'x',
    'index.ts': 'run()',
    'lib/b.ts': '',
    'lib/A.ts': 'ä',
    'node_modules/p/index.js': 'p',
  };
  const folder = await folderOf({
    ...files,
    '.env': 'hush',
    '.env.local': 'hush',
    '.git/HEAD': 'x',
    'lib/.DS_Store': 'x',
  });
  await mkdir(join(folder, 'node_modules', '.bin'));
  await symlink('../p/index.js', join(folder, 'node_modules', '.bin', 'p'));
  const bundle = await listBundle(folder);
  expect(bundle.leftOut).toEqual(['.env', '.env.local', '.git', 'lib/.DS_Store']);
  const archive = await buffer(packBundle(bundle));
  const found: [string, string][] = [];
  for await (const { path, body } of readArchive(Readable.from([archive]), LIMITS, AbortSignal.timeout(10_000))) {
    found.push([path, (await buffer(body)).toString('utf8')]);
  }
  expect(found.map(([path]) => path)).toEqual([
    'index.ts',
    'lib-x.ts',
    'lib/A.ts',
    'lib/b.ts',
    'node_modules/p/index.js',
  ]);
  expect(Object.fromEntries(found)).toEqual(files);
  expect((await buffer(packBundle(await listBundle(folder)))).equals(archive)).toBe(true);
});

const PNPM = 'Install without links: npm install, bun install, or pnpm install --config.node-linker=hoisted.';

test.each([
  ['node_modules/p', PNPM],
  ['node_modules/@a/p', PNPM],
  ['node_modules/.bin/deeper/p', PNPM],
  ['a.ts', 'Put a copy of what it points to in its place.'],
])('a link at %s is refused with what to do', async (path, hint) => {
  const folder = await folderOf({ 'index.ts': '' });
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await symlink('/etc/passwd', join(folder, path));
  await expect(listBundle(folder)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: `${path} is a link, and a bundle holds files and folders only`,
    hint,
  });
});

test('refuses a pipe, a folder without files, and what is no folder', async () => {
  const folder = await folderOf({ 'index.ts': '' });
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await expect(listBundle(folder)).rejects.toThrow('pipe is a device, socket or pipe');
  await expect(listBundle(await folderOf({ '.env': '' }))).rejects.toThrow('there are no files in');
  await expect(listBundle(join(folder, 'index.ts'))).rejects.toThrow('index.ts is not a folder');
  await expect(listBundle(join(folder, 'none'))).rejects.toThrow('none does not exist');
});

test('names what an archive does not take, and what changed or went since it was listed', async () => {
  const packing = async (files: Readonly<Record<string, string>>, meanwhile: (folder: string) => Promise<unknown>) => {
    const folder = await folderOf(files);
    const bundle = await listBundle(folder);
    await meanwhile(folder);
    return buffer(packBundle(bundle));
  };
  const nothing = async () => {};
  await expect(packing({ 'a\\b.ts': '' }, nothing)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('backslash'),
    hint: 'Rename it.',
  });
  await expect(packing({ 'a.ts': '', 'A.ts': '' }, nothing)).rejects.toThrow('must differ by more than case');
  const shorter = (folder: string) => truncate(join(folder, 'a.ts'), 1);
  await expect(packing({ 'a.ts': 'long' }, shorter)).rejects.toMatchObject({ code: 'IO_ERROR' });
  const gone = (folder: string) => rm(join(folder, 'b.ts'));
  await expect(packing({ 'a.ts': 'a', 'b.ts': 'b' }, gone)).rejects.toThrow('b.ts cannot be read: ENOENT');
  const replaced = async (folder: string) => {
    await gone(folder);
    await symlink('/etc/hostname', join(folder, 'b.ts'));
  };
  await expect(packing({ 'b.ts': 'b' }, replaced)).rejects.toThrow('b.ts cannot be read: ELOOP');
});
