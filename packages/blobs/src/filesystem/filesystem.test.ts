import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, link, mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type BlobContent, type BlobStore, type ProbeResult, ReactorError, systemClock } from '@reactor/core';
import { temporaryDirectory } from '@reactor/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFilesystemBlobStore } from './filesystem.js';

const LIMIT = { maxBytes: 1_000_000 };
/** More than is read at once. */
const STREAMED = 'x'.repeat(100_000);

async function createStore() {
  const parent = await temporaryDirectory();
  const root = join(parent, 'blobs');
  const store = createFilesystemBlobStore({ root, clock: systemClock });
  await store.prepare();
  return { parent, root, store };
}

async function socketAt(path: string): Promise<void> {
  const server = createServer().listen(path);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
}

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function text(blob: BlobContent | undefined): Promise<string | undefined> {
  return blob && new Response(blob.body).text();
}

async function keysBelow(store: BlobStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys.sort();
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ReactorError)) throw new Error(`expected a ReactorError, got ${String(error)}`);
  return `${error.status} ${error.code}`;
}

/** What the probe `fs_writable` answers. */
async function tryWriting({ probes }: BlobStore): Promise<ProbeResult | undefined> {
  return probes.find(({ name }) => name === 'fs_writable')?.run(AbortSignal.timeout(5_000));
}

const NOT_WRITABLE = { status: 'fail', code: expect.any(String), message: expect.any(String) };

describe('put and get', () => {
  it('gives back what came in, with its size and hash', async () => {
    const { store } = await createStore();
    const blob = await store.put('a/b', chunks('he', '', 'llo'), LIMIT);
    expect(blob).toEqual({
      size: 5,
      sha256: '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824',
    });
    expect(await text(await store.get('a/b'))).toBe('hello');
  });

  it('has nothing under a key that was not put', async () => {
    const { store } = await createStore();
    expect(await store.get('a/b')).toBeUndefined();
    expect(await store.get('a')).toBeUndefined();
  });

  it('keeps a blob and blobs below its key', async () => {
    const { store } = await createStore();
    await store.put('a', chunks('outer'), LIMIT);
    await store.put('a/b', chunks('inner'), LIMIT);
    await store.put('a/b/c', chunks('innermost'), LIMIT);
    expect(await text(await store.get('a'))).toBe('outer');
    expect(await text(await store.get('a/b'))).toBe('inner');
    expect(await keysBelow(store, '')).toEqual(['a', 'a/b', 'a/b/c']);
    expect(await keysBelow(store, 'a/')).toEqual(['a/b', 'a/b/c']);
    expect(await keysBelow(store, 'nothing')).toEqual([]);
  });

  it('reads a range, cut at the end of the blob', async () => {
    const { store } = await createStore();
    await store.put('a', chunks('0123456789'), LIMIT);
    expect(await text(await store.get('a', { start: 2, end: 4 }))).toBe('234');
    expect(await text(await store.get('a', { start: 8, end: 100 }))).toBe('89');
    expect(await codeOf(store.get('a', { start: 10, end: 12 }))).toBe('416 range_not_satisfiable');
  });

  it('streams more than one read, in order', async () => {
    const { store } = await createStore();
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const body = async function* () {
      for (let i = 0; i < 5; i++) yield bytes;
    };
    await store.put('a', body(), LIMIT);
    const blob = await store.get('a', { start: 1, end: 5 * 65_536 - 2 });
    const read = Buffer.from(await new Response(blob?.body).arrayBuffer());
    const whole = Buffer.concat([bytes, bytes, bytes, bytes, bytes]);
    expect(read.equals(whole.subarray(1, -1))).toBe(true);
  });

  it('lets a reader finish what was deleted meanwhile', async () => {
    const { store } = await createStore();
    await store.put('a', chunks(STREAMED), LIMIT);
    const deleted = await store.get('a');
    await store.delete('a');
    expect(await store.get('a')).toBeUndefined();
    await store.delete('a');
    await store.put('a', chunks('new'), LIMIT);
    expect(await text(deleted)).toBe(STREAMED);
    expect(await text(await store.get('a'))).toBe('new');
  });

  it('knows of a blob, without its bytes too, how long it is and since when it is there', async () => {
    const { store } = await createStore();
    const before = Date.now() - 1_000;
    await store.put('a/b', chunks('0123456789'), LIMIT);
    const info = { key: 'a/b', size: 10, modifiedAt: expect.any(Number) };
    const head = await store.head('a/b');
    expect(head).toEqual(info);
    expect(head?.modifiedAt).toBeGreaterThan(before);
    const blob = await store.get('a/b', { start: 2, end: 3 });
    expect(blob).toEqual({ ...head, body: new Uint8Array(Buffer.from('23')) });
    for await (const listed of store.list('a')) expect(listed).toEqual(head);
    expect(await store.head('a')).toBeUndefined();
    expect(await store.head('a/b/c')).toBeUndefined();
  });

  it('says that a blob which lost its end is broken, after the bytes that are there', async () => {
    const { root, store } = await createStore();
    await store.put('a', chunks(STREAMED), LIMIT);
    const stream = await store.get('a');
    await writeFile(join(root, 'a+blob'), '0123');
    await expect(text(stream)).rejects.toThrow();
  });

  it('gives up to 64 KiB as bytes and more as a stream, of a range too, and keeps no file of bytes open', async () => {
    const { store } = await createStore();
    await store.put('a', chunks('x'.repeat(65_537)), LIMIT);
    await store.put('empty', chunks(), LIMIT);
    const before = (await readdir('/dev/fd')).length;
    const ranges = [
      { start: 0, end: 65_535 },
      { start: 1, end: 100_000 },
    ];
    for (const range of ranges) expect((await store.get('a', range))?.body).toHaveLength(65_536);
    expect((await store.get('empty'))?.body).toEqual(new Uint8Array(0));
    expect((await readdir('/dev/fd')).length).toBe(before);
    const whole = await store.get('a');
    expect(whole?.body).toBeInstanceOf(ReadableStream);
    expect(await text(whole)).toHaveLength(65_537);
  });

  it.each([
    ['a fifo', (path: string) => execFileSync('mkfifo', [path])],
    ['a directory', (path: string) => mkdir(path)],
    ['a symbolic link', (path: string) => symlink('/etc/hostname', path)],
    ['a socket', socketAt],
  ])('does not read %s in the place of a blob, nor wait for it', async (kind, place) => {
    const { root, store } = await createStore();
    await place(join(root, 'a+blob'));
    const before = (await readdir('/dev/fd')).length;
    const damaged = {
      code: 'blob_damaged',
      status: 500,
      cause: { message: expect.stringContaining(`is ${kind}, not a file`) },
    };
    await expect(store.get('a')).rejects.toMatchObject(damaged);
    await expect(store.head('a')).rejects.toMatchObject(damaged);
    expect((await readdir('/dev/fd')).length).toBe(before);
  });

  it('takes a file in the place of a folder for damage, and deletes no folder in the place of a blob', async () => {
    const { root, store } = await createStore();
    await writeFile(join(root, 'f'), '');
    await mkdir(join(root, 'd+blob'));
    await writeFile(join(root, 'd+blob', 'kept'), '');
    expect(await codeOf(keysBelow(store, 'f'))).toBe('500 blob_damaged');
    expect(await codeOf(store.get('f/a'))).toBe('500 blob_damaged');
    expect(await codeOf(store.head('f/a'))).toBe('500 blob_damaged');
    expect(await codeOf(store.delete('f/a'))).toBe('500 blob_damaged');
    expect(await codeOf(store.delete('d'))).toBe('500 blob_damaged');
    expect(await readdir(join(root, 'd+blob'))).toEqual(['kept']);
  });

  it('takes a file in the place of the whole folder for an outage', async () => {
    const { root, store } = await createStore();
    await rm(root, { recursive: true });
    await writeFile(root, '');
    expect(await codeOf(keysBelow(store, 'f'))).toBe('503 storage_unavailable');
    expect(await codeOf(store.delete('a'))).toBe('503 storage_unavailable');
  });

  it('closes the file of a reader who leaves', async () => {
    const { store } = await createStore();
    await store.put('a', chunks(STREAMED), LIMIT);
    const before = (await readdir('/dev/fd')).length;
    for (let i = 0; i < 20; i++) {
      const { body } = (await store.get('a')) as BlobContent;
      await (body as ReadableStream).cancel();
    }
    expect((await readdir('/dev/fd')).length).toBeLessThanOrEqual(before);
  });
});

describe('a put that fails', () => {
  it('keeps nothing of a body over the limit, and all of one at the limit', async () => {
    const { root, store } = await createStore();
    await store.put('a', chunks('01234', '56789'), { maxBytes: 10 });
    expect(await codeOf(store.put('b', chunks('01234', '567890'), { maxBytes: 10 }))).toBe('413 payload_too_large');
    expect(await keysBelow(store, '')).toEqual(['a']);
    expect(await readdir(join(root, '+tmp'))).toEqual([]);
  });

  it('keeps nothing of a body that breaks off, and passes its error on', async () => {
    const { root, store } = await createStore();
    const broken = async function* () {
      yield Buffer.from('some');
      throw new Error('connection lost');
    };
    await expect(store.put('a', broken(), LIMIT)).rejects.toThrow('connection lost');
    expect(await store.get('a')).toBeUndefined();
    expect(await readdir(join(root, '+tmp'))).toEqual([]);
  });

  it('ends at once when its signal aborts, though the body never goes on', async () => {
    const { root, store } = await createStore();
    const abort = new AbortController();
    const stalled = async function* () {
      yield Buffer.from('some');
      abort.abort(new Error('gone'));
      await new Promise(() => {});
    };
    await expect(store.put('a', stalled(), { ...LIMIT, signal: abort.signal })).rejects.toThrow('gone');
    expect(await store.get('a')).toBeUndefined();
    expect(await readdir(join(root, '+tmp'))).toEqual([]);
  });

  it('is one under a key that is taken: what is there stays', async () => {
    const { root, store } = await createStore();
    await store.put('a', chunks('old'), LIMIT);
    expect(await codeOf(store.put('a', chunks('new'), LIMIT))).toBe('409 blob_exists');
    expect(await codeOf(store.put('a', chunks('too long'), { maxBytes: 3 }))).toBe('413 payload_too_large');
    expect(await text(await store.get('a'))).toBe('old');
    expect(await readdir(join(root, '+tmp'))).toEqual([]);
  });

  it('is all but one of those who put under one key at once', async () => {
    const { root, store } = await createStore();
    const other = createFilesystemBlobStore({ root, clock: systemClock });
    const puts = Array.from({ length: 20 }, (_, i) => (i % 2 ? store : other).put('a/b', chunks(`body ${i}`), LIMIT));
    const ends = await Promise.allSettled(puts);
    const winners = ends.flatMap(({ status }, i) => (status === 'fulfilled' ? [`body ${i}`] : []));
    expect(winners).toEqual([await text(await store.get('a/b'))]);
    expect(await readdir(join(root, '+tmp'))).toEqual([]);
  });

  it('is none when a file system that lost its answer finds its own link', async () => {
    const { root, store } = await createStore();
    const body = async function* () {
      yield Buffer.from('some');
      const [temporary] = await readdir(join(root, '+tmp'));
      await link(join(root, '+tmp', String(temporary)), join(root, 'a+blob'));
    };
    expect(await store.put('a', body(), LIMIT)).toMatchObject({ size: 4 });
    expect(await text(await store.get('a'))).toBe('some');
  });
});

describe('keys', () => {
  const hostile = [
    '',
    '/',
    '/etc/passwd',
    '..',
    '.',
    '../outside',
    'a/../../outside',
    'a/./b',
    'a//b',
    'a/',
    'a\0b',
    'a\\b',
    'ä',
    '%2e%2e',
    '+tmp/x',
    'a b',
    'a'.repeat(241),
    `${'a/'.repeat(400)}a`,
  ];

  it.each(hostile)('refuses %j, and touches nothing', async (key) => {
    const { parent, store } = await createStore();
    expect(await codeOf(store.put(key, chunks('x'), LIMIT))).toBe('400 invalid_request');
    expect(await codeOf(store.get(key))).toBe('400 invalid_request');
    expect(await codeOf(store.head(key))).toBe('400 invalid_request');
    expect(await codeOf(store.delete(key))).toBe('400 invalid_request');
    expect(await readdir(parent)).toEqual(['blobs']);
  });

  it('takes the longest segments', async () => {
    const { store } = await createStore();
    const key = `${'a'.repeat(240)}/${'b'.repeat(240)}`;
    await store.put(key, chunks('x'), LIMIT);
    expect(await text(await store.get(key))).toBe('x');
  });

  it('does not follow a symbolic link out of the folder', async () => {
    const { parent, root, store } = await createStore();
    const outside = join(parent, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'secret+blob'), 'secret');
    await symlink(outside, join(root, 'link'));
    await symlink(join(outside, 'secret+blob'), join(root, 'file+blob'));
    expect(await codeOf(store.get('link/secret'))).toBe('503 storage_unavailable');
    expect(await codeOf(store.head('link/secret'))).toBe('503 storage_unavailable');
    expect(await codeOf(store.get('file'))).toBe('500 blob_damaged');
    expect(await codeOf(store.put('link/new', chunks('x'), LIMIT))).toBe('503 storage_unavailable');
    expect(await codeOf(store.delete('link/secret'))).toBe('503 storage_unavailable');
    expect(await keysBelow(store, '')).toEqual([]);
    expect(await readdir(outside)).toEqual(['secret+blob']);
    expect(await readFile(join(outside, 'secret+blob'), 'utf8')).toBe('secret');
  });

  it('follows one that is the folder itself', async () => {
    const { parent, store } = await createStore();
    await store.put('a', chunks('x'), LIMIT);
    await symlink(join(parent, 'blobs'), join(parent, 'link'));
    const linked = createFilesystemBlobStore({ root: join(parent, 'link'), clock: systemClock });
    await linked.put('b/c', chunks('y'), LIMIT);
    expect(await text(await store.get('b/c'))).toBe('y');
    expect(await text(await linked.get('a'))).toBe('x');

    // Another disk is chosen while the store is in use.
    await mkdir(join(parent, 'other'));
    await writeFile(join(parent, 'other', 'a+blob'), 'z');
    await symlink(join(parent, 'other'), join(parent, 'next'));
    await rename(join(parent, 'next'), join(parent, 'link'));
    expect(await text(await linked.get('a'))).toBe('z');
    expect(await linked.get('b/c')).toBeUndefined();
  });

  it('makes folders and files for this user alone', async () => {
    const { root, store } = await createStore();
    await store.put('a/b', chunks('x'), LIMIT);
    expect((await stat(root)).mode & 0o777).toBe(0o700);
    expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(root, 'a/b+blob'))).mode & 0o777).toBe(0o600);
  });
});

describe('a folder that is gone', () => {
  it('fails every method and is not made anew', async () => {
    const { parent, root, store } = await createStore();
    await store.put('a/b', chunks('x'), LIMIT);
    await rm(root, { recursive: true });
    expect(await codeOf(store.put('a/b', chunks('x'), LIMIT))).toBe('503 storage_unavailable');
    expect(await codeOf(store.get('a/b'))).toBe('503 storage_unavailable');
    expect(await codeOf(store.head('a/b'))).toBe('503 storage_unavailable');
    expect(await codeOf(store.delete('a/b'))).toBe('503 storage_unavailable');
    expect(await codeOf(keysBelow(store, ''))).toBe('503 storage_unavailable');
    expect(await codeOf(store.sweepTemporary(0))).toBe('503 storage_unavailable');
    expect(await tryWriting(store)).toMatchObject(NOT_WRITABLE);
    expect(await store.check(AbortSignal.timeout(5_000))).toEqual({
      status: 'error',
      reason: 'the blob folder is missing',
    });
    expect(await readdir(parent)).toEqual([]);
  });

  it('works again once it is back, empty or not', async () => {
    const { root, store } = await createStore();
    await store.put('a/b', chunks('x'), LIMIT);
    await rm(root, { recursive: true });
    await mkdir(root);
    expect(await store.check(AbortSignal.timeout(5_000))).toEqual({ status: 'ok' });
    await store.put('a/b', chunks('y'), LIMIT);
    expect(await text(await store.get('a/b'))).toBe('y');
  });

  it('is an error too when a file has its place', async () => {
    const { root, store } = await createStore();
    await rm(root, { recursive: true });
    await writeFile(root, '');
    expect(await store.check(AbortSignal.timeout(5_000))).toEqual({
      status: 'error',
      reason: 'the blob folder is not a directory',
    });
    expect(await codeOf(store.put('a', chunks('x'), LIMIT))).toBe('503 storage_unavailable');
    const other = createFilesystemBlobStore({ root, clock: systemClock });
    expect(await codeOf(other.prepare())).toBe('503 storage_unavailable');
    await rm(root);
    await other.prepare();
    expect(await readdir(root)).toEqual(['+tmp']);
  });
});

it('is read-only for root too when nobody may write into the folder', async () => {
  const { root, store } = await createStore();
  await store.put('a', chunks('x'), LIMIT);
  await chmod(root, 0o555);
  expect(await store.check(AbortSignal.timeout(5_000))).toEqual({
    status: 'error',
    reason: 'the blob folder is not writable',
  });
  expect(await tryWriting(store)).toMatchObject(NOT_WRITABLE);
  expect(await codeOf(store.put('a', chunks('y'), LIMIT))).toBe('503 storage_unavailable');
  expect(await text(await store.get('a'))).toBe('x');
  await chmod(root, 0o755);
  expect(await store.check(AbortSignal.timeout(5_000))).toEqual({ status: 'ok' });
});

describe('looking after itself', () => {
  it('is ok when it can be written to, and leaves nothing of its test write', async () => {
    const { root, store } = await createStore();
    expect(await store.check(AbortSignal.timeout(5_000))).toEqual({ status: 'ok' });
    expect(await tryWriting(store)).toEqual({ status: 'ok' });
    expect(await readdir(root)).toEqual(['+tmp']);
    expect(await readdir(join(root, '+tmp'))).toEqual([]);
  });

  it('takes no folder for no fault before it is prepared, when it could be made', async () => {
    const parent = await temporaryDirectory();
    const store = createFilesystemBlobStore({ root: join(parent, 'state/blobs'), clock: systemClock });
    expect(await tryWriting(store)).toEqual({ status: 'ok', message: 'the blob folder is made at the next start' });
    expect([await store.head('a'), await store.get('a'), await keysBelow(store, '')]).toEqual([
      undefined,
      undefined,
      [],
    ]);
    expect(await readdir(parent)).toEqual([]);
    await chmod(parent, 0o555);
    expect(await tryWriting(store)).toMatchObject(NOT_WRITABLE);
    await chmod(parent, 0o755);
    await writeFile(join(parent, 'state'), 'a file');
    expect(await tryWriting(store)).toMatchObject(NOT_WRITABLE);
    await rm(join(parent, 'state'));
    await symlink(join(parent, 'elsewhere'), join(parent, 'link'));
    const linked = createFilesystemBlobStore({ root: join(parent, 'link'), clock: systemClock });
    expect(await tryWriting(linked)).toMatchObject(NOT_WRITABLE);
    await store.prepare();
    expect(await tryWriting(store)).toEqual({ status: 'ok' });
    await rm(join(parent, 'state'), { recursive: true });
    expect(await tryWriting(store)).toMatchObject(NOT_WRITABLE);
  });

  it('answers a check whose time is over', async () => {
    const { store } = await createStore();
    expect(await store.check(AbortSignal.abort())).toEqual({
      status: 'error',
      reason: 'the blob folder does not answer',
    });
  });

  it('removes temporary files that nobody has written to for long enough', async () => {
    const { root, store } = await createStore();
    const hourAgo = Date.now() / 1000 - 3_600;
    await writeFile(join(root, '+tmp/old'), 'half an upload');
    await utimes(join(root, '+tmp/old'), hourAgo, hourAgo);
    await writeFile(join(root, '+tmp/new'), 'an upload that is running');
    expect(await store.sweepTemporary(1_800_000)).toBe(1);
    expect(await readdir(join(root, '+tmp'))).toEqual(['new']);
  });

  it('is prepared once: a folder that vanishes afterwards is not made anew', async () => {
    const { parent, root, store } = await createStore();
    await store.put('a', chunks('x'), LIMIT);
    await store.prepare();
    expect(await text(await store.get('a'))).toBe('x');
    await rm(root, { recursive: true });
    await store.prepare();
    expect(await readdir(parent)).toEqual([]);
  });
});
