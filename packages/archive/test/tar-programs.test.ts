import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryDirectory } from '@reactor/testing';
import { describe, expect, test } from 'vitest';
import { writeArchive } from '../src/index.js';
import { entriesOf } from './support/entries.js';
import { collect, read, readText, refusal } from './support/read.js';

const execute = promisify(execFile);
const SHORT = { 'index.html': '<p>', 'assets/ü.txt': 'ü', 'assets/empty': '', 'assets/blocks': 'x'.repeat(1_024) };
const LONG = { [`${'deep/'.repeat(8)}${'x'.repeat(150)}`]: 'long', [`${'y'.repeat(99)}ü`]: 'hundred and one' };

async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await temporaryDirectory();
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

/** What `tar` makes of a folder. */
async function packed(root: string, ...args: string[]): Promise<Buffer> {
  const { stdout } = await execute('tar', ['-C', root, '-cz', ...args], { encoding: 'buffer', maxBuffer: 100_000_000 });
  return stdout;
}

describe('tar of the system writes, we read', () => {
  test.each([
    ['ustar', SHORT],
    ['gnu', { ...SHORT, ...LONG }],
    ['pax', { ...SHORT, ...LONG }],
  ])('--format=%s, with folders', async (format, files) => {
    const root = await folder(files);
    const entries = await readdir(root);
    expect(await readText(await packed(root, `--format=${format}`, '.'))).toEqual(files);
    expect(await readText(await packed(root, `--format=${format}`, ...entries))).toEqual(files);
  });

  test.each(['--format=v7', '--format=oldgnu'])('%s is one way or the other', async (format) => {
    const archive = await packed(await folder({ a: 'A' }), format, 'a');
    const outcome = await readText(archive).catch((error: { code: string }) => error.code);
    expect(outcome).toEqual(format.endsWith('v7') ? 'archive_invalid' : { a: 'A' });
  });

  test('links and sparse files are refused', async () => {
    const root = await folder({ a: 'A' });
    await symlink('/etc/passwd', join(root, 'link'));
    await writeFile(join(root, 'sparse'), 'x');
    await truncate(join(root, 'sparse'), 10_000_000);
    expect(await refusal(await packed(root, 'link'))).toContain('"link" is a symbolic link');
    expect(await refusal(await packed(root, '--format=gnu', '--sparse', 'sparse'))).toMatch(
      /^archive_invalid: .*unknown type/,
    );
    expect(await refusal(await packed(root, '--format=pax', '--sparse', 'sparse'))).toContain(
      'it describes a sparse file',
    );
  });

  test('absolute paths and those out of the folder are refused', async () => {
    const root = await folder({ 'b/a': 'A' });
    expect(await refusal(await packed(root, '-P', join(root, 'b/a')))).toContain('is absolute');
    expect(await refusal(await packed(join(root, 'b'), '-P', '../b/a'))).toContain('has a segment ".."');
  });

  test('a large file comes whole', async () => {
    const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 2_654_435_761) >>> 24));
    const root = await folder({ a: 'A' });
    await writeFile(join(root, 'large'), content);
    expect((await read(await packed(root, 'large'))).large?.equals(content)).toBe(true);
  });
});

describe('we write, tar of the system reads', () => {
  const files = { ...SHORT, ...LONG };

  test('lists and extracts', async () => {
    const root = await folder({});
    const archive = join(root, 'archive.tar.gz');
    await writeFile(archive, await collect(writeArchive(entriesOf(files))));
    const { stdout, stderr } = await execute('tar', ['--quoting-style=literal', '-tzf', archive], {
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    expect(stdout.trimEnd().split('\n')).toEqual(Object.keys(files));
    expect(stderr).toBe('');
    await mkdir(join(root, 'out'));
    await execute('tar', ['-C', join(root, 'out'), '-xzf', archive]);
    for (const [path, content] of Object.entries(files)) {
      expect(await readFile(join(root, 'out', path), 'utf8')).toBe(content);
    }
  });
});
