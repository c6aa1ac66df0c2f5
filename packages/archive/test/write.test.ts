import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { type ArchiveEntry, writeArchive } from '../src/index.js';
import { entriesOf } from './support/entries.js';
import { collect, read, readText } from './support/read.js';

const LONG = `${'ä/'.repeat(9)}${'x'.repeat(120)}`;
const FILES = { 'index.html': '<p>', 'a/ü ✓.txt': 'ü', [LONG]: 'long', empty: '', 'a/blocks': 'x'.repeat(1_024) };

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

test('what it writes is read again', async () => {
  expect(await readText(await collect(writeArchive(entriesOf(FILES))))).toEqual(FILES);
  expect(await readText(await collect(writeArchive([])))).toEqual({});
});

test('the same files make the same bytes, whenever and by whomever they are written', async () => {
  const first = await collect(writeArchive(entriesOf(FILES)));
  vi.setSystemTime(new Date('2040-01-01'));
  const second = await collect(writeArchive(entriesOf(FILES)));
  vi.useRealTimers();
  expect(second.equals(first)).toBe(true);
  // The tar itself, which no version of zlib has a say in.
  const digest = createHash('sha256').update(gunzipSync(first)).digest('hex');
  expect(digest).toMatchInlineSnapshot(`"43c5671303816e0d648ec49a18f8e9ca1de0412a0e2c7246691fab05bc76d44f"`);
});

test('has nothing in its headers that tells of the machine', async () => {
  const tar = gunzipSync(await collect(writeArchive(entriesOf({ 'a.txt': 'A' }))));
  const field = (at: number, length: number) => tar.toString('latin1', at, at + length);
  expect({ mode: field(100, 8), uid: field(108, 8), gid: field(116, 8), mtime: field(136, 12) }).toEqual({
    mode: '0000644\0',
    uid: '0000000\0',
    gid: '0000000\0',
    mtime: '00000000000\0',
  });
  expect(field(265, 235)).toBe('\0'.repeat(235));
  expect(tar).toHaveLength(512 + 512 + 1_024);
});

test('a name of a hundred bytes needs no second header, and one more does', async () => {
  const sizeWith = async (path: string) => gunzipSync(await collect(writeArchive(entriesOf({ [path]: '' })))).length;
  expect(await sizeWith('x'.repeat(100))).toBe(512 + 1_024);
  expect(await sizeWith('x'.repeat(101))).toBe(512 * 3 + 1_024);
});

test('keeps the order it is given', async () => {
  const files = { b: '', a: '', 'c/b': '', 'c/a': '' };
  expect(Object.keys(await read(await collect(writeArchive(entriesOf(files)))))).toEqual(Object.keys(files));
});

describe('refuses', () => {
  const write = (...entries: ArchiveEntry[]) => collect(writeArchive(entries));
  const file = (path: string, size = 1, body = once('x')): ArchiveEntry => ({ path, size, body });

  test.each(['/a', '../a', 'a//b', 'a\\b', 'a/', '', './a', 'u\u0308', 'a\0b', '\ud800'])(
    'the path %j',
    async (path) => {
      await expect(write(file('ok'), file(path))).rejects.toMatchObject({ code: 'archive_invalid' });
    },
  );

  test('a path twice, and a file that is a folder', async () => {
    await expect(write(file('a'), file('A'))).rejects.toThrow('"A" is there twice as "a"');
    await expect(write(file('a'), file('a/b'))).rejects.toThrow('"a/b" lies below "a"');
  });

  test.each([
    ['shorter', 5, 'has only 1'],
    ['longer', 0, 'has more'],
  ])('a body that is %s than its size', async (_, size, why) => {
    await expect(write(file('a', size))).rejects.toThrow(
      `the entry "a" was announced with ${size} bytes, and its body ${why}`,
    );
  });

  test('to go on after an error of a body, and throws that', async () => {
    const failure = new Error('the file is gone');
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x');
      throw failure;
    }
    await expect(write(file('a', 5, failing()))).rejects.toBe(failure);
  });
});

test('asks for no more than its reader takes, and ends with it', async () => {
  const state = { asked: 0, closed: false };
  async function* files(): AsyncGenerator<ArchiveEntry> {
    try {
      for (;;) {
        state.asked += 1;
        const bytes = crypto.getRandomValues(new Uint8Array(50_000));
        yield { path: `${state.asked}`, size: bytes.length, body: chunk(bytes) };
      }
    } finally {
      state.closed = true;
    }
  }
  for await (const _ of writeArchive(files())) {
    for (let turn = 0; turn < 500; turn++) await new Promise(setImmediate);
    break;
  }
  expect(state.asked).toBeLessThan(10);
  await vi.waitFor(() => expect(state.closed).toBe(true));
});

async function* chunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
