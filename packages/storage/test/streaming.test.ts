import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, truncate } from 'node:fs/promises';
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { HttpBindings } from '@hono/node-server';
import { listen, sample } from '@reactor/testing';
import { Hono } from 'hono';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createTestStorage, type TestStorage } from './support/storage.js';
import { createSweeper } from './support/sweeper.js';

/** More than all buffers of two sockets hold. */
const LARGE = 64 * 1024 * 1024;

async function serving(options: Parameters<typeof createTestStorage>[0] = {}) {
  const storage = await createTestStorage({ maxUploadBytes: LARGE, ...options });
  await storage.bucket('b', true);
  const { port } = await listen(storage.app);
  return { storage, port };
}

function send(port: number, method: string, path: string, headers: Record<string, string> = {}) {
  const sent = request({ port, method, path: `/storage/v1/object/b/${path}`, headers: { ...AS_ALICE, ...headers } });
  onTestFinished(() => void sent.destroy());
  return sent;
}

const AS_ALICE = { Authorization: 'Bearer alice' };

function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => sent.once('response', resolve).once('error', reject));
}

async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Sends the head of an upload and part of its body, and is then at the test's disposal. */
async function begin(port: number, head: string, part: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  onTestFinished(() => void socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(
    `PUT /storage/v1/object/b/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n${head}\r\n\r\n${part}`,
  );
  return socket;
}

/** All that the server sends until it closes the connection. */
async function received(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

async function* blobFiles(root: string): AsyncGenerator<string> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries) if (entry.isFile()) yield join(entry.parentPath, entry.name);
}

async function files(root: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of blobFiles(root)) paths.push(path);
  return paths;
}

async function expectNothingKept({ root, database }: TestStorage): Promise<void> {
  expect(await files(root)).toEqual([]);
  expect((await database.query('SELECT FROM reactor_storage.objects')).rows).toEqual([]);
}

/** Resolves once `read` gives the same number for a while. */
async function settled(read: () => Promise<number> | number): Promise<number> {
  let last = -1;
  let since = performance.now();
  await vi.waitUntil(
    async () => {
      const now = await read();
      if (now !== last) [last, since] = [now, performance.now()];
      return performance.now() - since > 250;
    },
    { timeout: 20_000, interval: 10 },
  );
  return last;
}

describe('a large object', () => {
  it('goes up and comes down unchanged', async () => {
    const { storage, port } = await serving();
    const part = randomBytes(1024 * 1024);
    const hash = createHash('sha256');
    const put = send(port, 'PUT', 'a', { 'Content-Length': String(LARGE) });
    for (let i = 0; i < LARGE / part.length; i++) {
      hash.update(part);
      if (!put.write(part)) await new Promise((resolve) => put.once('drain', resolve));
    }
    put.end();
    const stored = await answerTo(put);
    const expected = hash.digest('hex');
    expect([stored.statusCode, stored.headers.etag]).toEqual([200, `"${expected}"`]);
    stored.resume();

    const get = send(port, 'GET', 'a');
    get.end();
    const got = createHash('sha256');
    for await (const chunk of await answerTo(get)) got.update(chunk);
    expect(got.digest('hex')).toBe(expected);
    expect(await sample(storage.storage.metrics, 'reactor_storage_received_bytes_total')).toBe(LARGE);
    expect(await sample(storage.storage.metrics, 'reactor_storage_sent_bytes_total')).toBe(LARGE);
  });

  it('is not read ahead of a client that stopped reading', async () => {
    const { storage, port } = await serving();
    await storage.as('alice')('PUT', '/object/b/a', { body: Buffer.alloc(LARGE) });
    const get = send(port, 'GET', 'a');
    get.end();
    const answer = await answerTo(get);
    const { metrics } = storage.storage;
    const sent = await settled(() => sample(metrics, 'reactor_storage_sent_bytes_total'));
    expect(sent).toBeLessThan(LARGE / 2);
    expect((await bodyOf(answer)).length).toBe(LARGE);
    expect(await sample(metrics, 'reactor_storage_operations_total{operation="get",result="ok"}')).toBe(1);
  });

  it('is not received ahead of a blob store that is slow', async () => {
    const { storage, port } = await serving();
    const write = storage.blobs.put.bind(storage.blobs);
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    storage.blobs.put = (key, body, options) => {
      const slow = async function* () {
        for await (const chunk of body) {
          await released;
          yield chunk;
        }
      };
      return write(key, slow(), options);
    };
    const put = send(port, 'PUT', 'a', { 'Content-Length': String(LARGE) });
    put.end(Buffer.alloc(LARGE));
    const socket = await new Promise<Socket>((resolve) => put.once('socket', resolve));
    // What the kernel has taken; the rest waits in this process.
    const taken = await settled(() => socket.bytesWritten - socket.writableLength);
    expect(taken).toBeLessThan(LARGE / 2);
    release();
    expect((await answerTo(put)).statusCode).toBe(200);
  });
});

describe('an upload that does not come in whole keeps nothing', () => {
  const PART = 'x'.repeat(100_000);
  const CHUNK = `${PART.length.toString(16)}\r\n${PART}\r\n`;

  it.each([
    ['announced', 'Content-Length: 1000000', PART],
    ['chunked', 'Transfer-Encoding: chunked', CHUNK],
  ])('when the client goes away (%s)', async (_, head, part) => {
    const { storage, port } = await serving();
    const { metrics } = storage.storage;
    const socket = await begin(port, head, part);
    await vi.waitUntil(async () => (await sample(metrics, 'reactor_storage_received_bytes_total')) === PART.length);
    expect(await files(storage.root)).toHaveLength(1);
    socket.destroy();
    const aborted = 'reactor_storage_operations_total{operation="put",result="aborted"}';
    await vi.waitUntil(async () => (await sample(metrics, aborted)) === 1);
    await expectNothingKept(storage);
  });

  it.each([
    ['announced', 'Content-Length: 1000000', PART],
    ['chunked', 'Transfer-Encoding: chunked', CHUNK],
  ])('when the client says that it is done too early (%s)', async (_, head, part) => {
    const { storage, port } = await serving();
    const socket = await begin(port, head, part);
    socket.end();
    const answer = await received(socket);
    expect(answer.startsWith('HTTP/1.1 2')).toBe(false);
    const aborted = 'reactor_storage_operations_total{operation="put",result="aborted"}';
    await vi.waitUntil(async () => (await sample(storage.storage.metrics, aborted)) === 1);
    await expectNothingKept(storage);
  });

  it('when a chunk is malformed', async () => {
    const { storage, port } = await serving();
    const socket = await begin(port, 'Transfer-Encoding: chunked', `${CHUNK}zz\r\n`);
    expect((await received(socket)).startsWith('HTTP/1.1 2')).toBe(false);
    const aborted = 'reactor_storage_operations_total{operation="put",result="aborted"}';
    await vi.waitUntil(async () => (await sample(storage.storage.metrics, aborted)) === 1);
    await expectNothingKept(storage);
  });
});

describe('an upload over the limit', () => {
  it('is refused by its announced length, before its body', async () => {
    const { storage, port } = await serving({ maxUploadBytes: 1000 });
    const put = send(port, 'PUT', 'a', { 'Content-Length': '1001' });
    put.flushHeaders();
    const answer = await answerTo(put);
    expect(answer.statusCode).toBe(413);
    expect(JSON.parse((await bodyOf(answer)).toString()).error.details).toEqual({ max_upload_bytes: 1000 });
    await expectNothingKept(storage);
  });

  it('is refused in the middle of an unannounced body, and taken at the limit', async () => {
    const { storage, port } = await serving({ maxUploadBytes: 1_000_000 });
    const over = send(port, 'PUT', 'a', { 'Transfer-Encoding': 'chunked' });
    over.end(Buffer.alloc(1_000_001));
    expect((await answerTo(over)).statusCode).toBe(413);
    await expectNothingKept(storage);
    const exact = send(port, 'PUT', 'a', { 'Transfer-Encoding': 'chunked' });
    exact.end(Buffer.alloc(1_000_000));
    expect((await answerTo(exact)).statusCode).toBe(200);
  });
});

describe('a download', () => {
  it('gives its file back when the client leaves', async () => {
    const { storage, port } = await serving();
    await storage.as('alice')('PUT', '/object/b/a', { body: Buffer.alloc(LARGE) });
    const open = (await readdir('/dev/fd')).length;
    const get = send(port, 'GET', 'a');
    get.end();
    const answer = await answerTo(get);
    answer.on('error', () => {});
    get.destroy();
    const { metrics } = storage.storage;
    const aborted = 'reactor_storage_operations_total{operation="get",result="aborted"}';
    await vi.waitUntil(async () => (await sample(metrics, aborted)) === 1);
    await vi.waitUntil(async () => (await readdir('/dev/fd')).length <= open);
  });

  it.each([
    [300_000, 299_999],
    [300_000, 299_970],
    [2_000_000, 1_999_995],
    [2_000_000, 1_000_000],
    [300_000, 300_001],
    [262_144, 262_145],
    [10, 9],
    [10, 0],
    [10, 11],
    [0, 1],
  ])('of a blob that had %i bytes and now has %i does not begin', async (before, after) => {
    const { storage, port } = await serving();
    await storage.as('alice')('PUT', '/object/b/a', { body: Buffer.alloc(before, 'x') });
    for await (const path of blobFiles(storage.root)) await truncate(path, after);
    const get = send(port, 'GET', 'a');
    get.end();
    const answer = await answerTo(get);
    expect([answer.statusCode, JSON.parse((await bodyOf(answer)).toString()).error.code]).toEqual([
      500,
      'blob_damaged',
    ]);
    const failed = 'reactor_storage_operations_total{operation="get",result="failed"}';
    expect(await sample(storage.storage.metrics, failed)).toBe(1);
  });

  it('of few bytes counts as aborted when the client left while they were read', async () => {
    const { storage } = await serving();
    await storage.as('alice')('PUT', '/object/b/a', { body: 'hello' });
    let outgoing: ServerResponse | undefined;
    const app = new Hono<{ Bindings: HttpBindings }>();
    app.use((c, next) => {
      outgoing = c.env.outgoing as ServerResponse;
      return next();
    });
    app.route('/', storage.app);
    const get = send((await listen(app)).port, 'GET', 'a');
    get.on('error', () => {});
    const read = storage.blobs.get.bind(storage.blobs);
    storage.blobs.get = async (...args) => {
      const blob = await read(...args);
      get.destroy();
      if (outgoing?.destroyed === false) await once(outgoing, 'close');
      return blob;
    };
    get.end();
    const { metrics } = storage.storage;
    const aborted = 'reactor_storage_operations_total{operation="get",result="aborted"}';
    await vi.waitUntil(async () => (await sample(metrics, aborted)) === 1);
    expect(await sample(metrics, 'reactor_storage_operations_total{operation="get",result="ok"}')).toBe(0);
  });

  it('of a blob that loses its end on the way breaks the connection', async () => {
    const { storage, port } = await serving();
    await storage.as('alice')('PUT', '/object/b/a', { body: Buffer.alloc(LARGE, 'x') });
    const open = (await readdir('/dev/fd')).length;
    // Where @hono/node-server tells of a body that broke.
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => error.mockRestore());
    const get = send(port, 'GET', 'a');
    get.end();
    const answer = await answerTo(get);
    for await (const path of blobFiles(storage.root)) await truncate(path, LARGE - 5);
    expect(answer.statusCode).toBe(200);
    await expect(bodyOf(answer)).rejects.toThrow();
    const failed = 'reactor_storage_operations_total{operation="get",result="failed"}';
    expect(await sample(storage.storage.metrics, failed)).toBe(1);
    await vi.waitUntil(async () => (await readdir('/dev/fd')).length <= open);
  });

  it('has the same headers for HEAD, without a body', async () => {
    const { storage, port } = await serving();
    await storage.as('alice')('PUT', '/object/b/a', { body: 'hello' });
    const [get, head] = await Promise.all(
      ['GET', 'HEAD'].map(async (method) => {
        const sent = send(port, method, 'a');
        sent.end();
        const answer = await answerTo(sent);
        return { body: (await bodyOf(answer)).toString(), ...answer.headers, date: '', 'x-request-id': '' };
      }),
    );
    expect(get?.body).toBe('hello');
    expect(head).toEqual({ ...get, body: '' });
  });

  it('of the old version goes on while the object is replaced and swept', async () => {
    const { storage, port } = await serving();
    await storage.as('alice')('PUT', '/object/b/a', { body: Buffer.alloc(LARGE, 'o') });
    const get = send(port, 'GET', 'a');
    get.end();
    const answer = await answerTo(get);
    await storage.as('alice')('PUT', '/object/b/a', { body: 'new' });
    await createSweeper(storage).run();
    expect(await files(storage.root)).toHaveLength(1);
    const body = await bodyOf(answer);
    expect(body.length).toBe(LARGE);
    expect(body.every((byte) => byte === 0x6f)).toBe(true);
    expect(await (await storage.as(undefined)('GET', '/object/b/a')).text()).toBe('new');
  });
});
