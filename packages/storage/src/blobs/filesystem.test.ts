import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReactorError, systemClock } from '@reactor/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFilesystemBlobStore } from './filesystem.js';

const LIMIT = { maxBytes: 1_000_000 };

async function createStore() {
  const parent = await mkdtemp(join(tmpdir(), 'reactor-blobs-'));
  onTestFinished(() => rm(parent, { recursive: true, force: true }));
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

async function text(stream: ReadableStream<Uint8Array> | undefined): Promise<string | undefined> {
  return stream && new Response(stream).text();
}

async function keysBelow(store: Awaited<ReturnType<typeof createStore>>['store'], prefix: string): Promise<string[]> {
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
    const stream = (await store.get('a', { start: 1, end: 5 * 65_536 - 2 })) as ReadableStream<Uint8Array>;
    const read = Buffer.from(await new Response(stream).arrayBuffer());
    const whole = Buffer.concat([bytes, bytes, bytes, bytes, bytes]);
    expect(read.equals(whole.subarray(1, -1))).toBe(true);
  });

  it('lets a reader finish what was replaced or deleted meanwhile', async () => {
    const { store } = await createStore();
    await store.put('a', chunks('old'), LIMIT);
    const replaced = await store.get('a');
    await store.put('a', chunks('new'), LIMIT);
    const deleted = await store.get('a');
    await store.delete('a');
    expect(await text(replaced)).toBe('old');
    expect(await text(deleted)).toBe('new');
    expect(await store.get('a')).toBeUndefined();
    await store.delete('a');
  });

  it('says that a blob which lost its end is broken, after the bytes that are there', async () => {
    const { root, store } = await createStore();
    await store.put('a', chunks('0123456789'), LIMIT);
    const stream = await store.get('a');
    await writeFile(join(root, 'a+blob'), '0123');
    await expect(text(stream)).rejects.toThrow();
  });

  it('does not read a blob of another length than was stored', async () => {
    const { root, store } = await createStore();
    await store.put('a', chunks('0123456789'), LIMIT);
    expect(await text(await store.get('a', undefined, 10))).toBe('0123456789');
    await writeFile(join(root, 'a+blob'), '0123');
    const before = (await readdir('/dev/fd')).length;
    expect(await codeOf(store.get('a', undefined, 10))).toBe('500 blob_damaged');
    expect(await codeOf(store.get('a', { start: 1, end: 2 }, 10))).toBe('500 blob_damaged');
    expect(await codeOf(store.get('a', { start: 5, end: 6 }, 10))).toBe('500 blob_damaged');
    expect((await readdir('/dev/fd')).length).toBe(before);
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
    const error = await store.get('a').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'blob_damaged',
      status: 500,
      cause: { message: expect.stringContaining(`is ${kind}, not a file`) },
    });
    expect((await readdir('/dev/fd')).length).toBe(before);
  });

  it('closes the file of a reader who leaves', async () => {
    const { store } = await createStore();
    await store.put('a', chunks('0123456789'), LIMIT);
    const before = (await readdir('/dev/fd')).length;
    for (let i = 0; i < 20; i++) await (await store.get('a'))?.cancel();
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

  it('does not replace what is there', async () => {
    const { store } = await createStore();
    await store.put('a', chunks('old'), LIMIT);
    await codeOf(store.put('a', chunks('too long'), { maxBytes: 3 }));
    expect(await text(await store.get('a'))).toBe('old');
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
    expect(await codeOf(store.delete('a/b'))).toBe('503 storage_unavailable');
    expect(await codeOf(keysBelow(store, ''))).toBe('503 storage_unavailable');
    expect(await codeOf(store.sweepTemporary(0))).toBe('503 storage_unavailable');
    expect(await codeOf(store.space())).toBe('503 storage_unavailable');
    expect(await codeOf(store.verifyWritable(AbortSignal.timeout(5_000)))).toBe('503 storage_unavailable');
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
    expect(await codeOf(store.prepare())).toBe('503 storage_unavailable');
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
  expect(await codeOf(store.verifyWritable(AbortSignal.timeout(5_000)))).toBe('503 storage_unavailable');
  expect(await codeOf(store.put('a', chunks('y'), LIMIT))).toBe('503 storage_unavailable');
  expect(await text(await store.get('a'))).toBe('x');
  await chmod(root, 0o755);
  expect(await store.check(AbortSignal.timeout(5_000))).toEqual({ status: 'ok' });
});

describe('looking after itself', () => {
  it('is ok when it can be written to, and leaves nothing of its test write', async () => {
    const { root, store } = await createStore();
    expect(await store.check(AbortSignal.timeout(5_000))).toEqual({ status: 'ok' });
    await store.verifyWritable(AbortSignal.timeout(5_000));
    expect(await readdir(root)).toEqual(['+tmp']);
    expect(await readdir(join(root, '+tmp'))).toEqual([]);
  });

  it('takes no folder for no fault before it is prepared, when it could be made', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'reactor-blobs-'));
    onTestFinished(() => rm(parent, { recursive: true, force: true }));
    const store = createFilesystemBlobStore({ root: join(parent, 'state/blobs'), clock: systemClock });
    expect(await store.verifyWritable(AbortSignal.timeout(5_000))).toBe(false);
    expect(await readdir(parent)).toEqual([]);
    await chmod(parent, 0o555);
    expect(await codeOf(store.verifyWritable(AbortSignal.timeout(5_000)))).toBe('503 storage_unavailable');
    await chmod(parent, 0o755);
    await writeFile(join(parent, 'state'), 'a file');
    expect(await codeOf(store.verifyWritable(AbortSignal.timeout(5_000)))).toBe('503 storage_unavailable');
    await rm(join(parent, 'state'));
    await symlink(join(parent, 'elsewhere'), join(parent, 'link'));
    const linked = createFilesystemBlobStore({ root: join(parent, 'link'), clock: systemClock });
    expect(await codeOf(linked.verifyWritable(AbortSignal.timeout(5_000)))).toBe('503 storage_unavailable');
    await store.prepare();
    expect(await store.verifyWritable(AbortSignal.timeout(5_000))).toBe(true);
    await rm(join(parent, 'state'), { recursive: true });
    expect(await codeOf(store.verifyWritable(AbortSignal.timeout(5_000)))).toBe('503 storage_unavailable');
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

  it('knows the size of the disk and what is free of it', async () => {
    const { store } = await createStore();
    const { freeBytes, sizeBytes } = await store.space();
    expect(freeBytes).toBeGreaterThan(0);
    expect(sizeBytes).toBeGreaterThanOrEqual(freeBytes);
  });

  it('is prepared twice without harm', async () => {
    const { root, store } = await createStore();
    await store.put('a', chunks('x'), LIMIT);
    await chmod(root, 0o750);
    await store.prepare();
    expect(await text(await store.get('a'))).toBe('x');
  });
});
