import { gzipSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { type ArchiveEntry, readArchive } from '../src/index.js';
import { chunked, collect, LIMITS, readText } from './support/read.js';
import { block, END, tar, tarGz } from './support/tar.js';

const never = () => new AbortController().signal;
const big = { name: 'big', content: Buffer.from(Array.from({ length: 300_000 }, () => Math.random() * 256)) };
const archive = tarGz({ name: 'a', content: 'A' }, big, { name: 'z', content: 'Z' });

/** Turns of the event loop, in which a source that nobody holds back gives all it has. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
}

/** A source that says what becomes of it. */
function watched(bytes: Uint8Array, chunkSize = 1_000) {
  const state = { given: 0, closed: false };
  async function* source() {
    try {
      for await (const chunk of chunked(bytes, chunkSize)) {
        state.given += chunk.length;
        yield chunk;
      }
    } finally {
      state.closed = true;
    }
  }
  return { state, source: source() };
}

/** A source that gives these bytes and then waits for ever. */
async function* stalled(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  await new Promise(() => {});
}

test.each([1, 7, 511, 512, 513, 100_000])('bytes may come in chunks of %i', async (chunkSize) => {
  const files = await readText(tarGz({ name: 'd/a', content: 'A'.repeat(600) }, { name: 'e' }), { chunkSize });
  expect(files).toEqual({ 'd/a': 'A'.repeat(600), e: '' });
});

test('the first file is there before the last one has come', async () => {
  const { source, state } = watched(archive);
  for await (const { path, size } of readArchive(source, LIMITS, never())) {
    expect([path, size]).toEqual(['a', 1]);
    break;
  }
  expect(state.given).toBeLessThan(archive.length / 2);
});

test('a slow reader holds the source back', async () => {
  const { source, state } = watched(archive);
  for await (const { path, body } of readArchive(source, LIMITS, never())) {
    if (path !== 'big') continue;
    for await (const _ of body) {
      await turns(200);
      break;
    }
    expect(state.given).toBeLessThan(archive.length - 50_000);
  }
  expect(state).toEqual({ given: archive.length, closed: true });
});

describe('a body', () => {
  test('that is not read, or only begun, does not stop what follows', async () => {
    const paths: string[] = [];
    for await (const { path, body } of readArchive(chunked(archive, 1_000), LIMITS, never())) {
      paths.push(path);
      if (path === 'big') for await (const _ of body) break;
    }
    expect(paths).toEqual(['a', 'big', 'z']);
  });

  test('goes on where its reader left it', async () => {
    for await (const { path, body } of readArchive(chunked(archive, 1_000), LIMITS, never())) {
      if (path !== 'big') continue;
      const parts: Uint8Array[] = [];
      for await (const chunk of body) {
        parts.push(chunk);
        break;
      }
      parts.push(await collect(body));
      expect(Buffer.concat(parts).equals(big.content)).toBe(true);
    }
  });

  test('of an entry that has passed is an error, not an empty one', async () => {
    const kept: ArchiveEntry[] = [];
    for await (const entry of readArchive(chunked(archive), LIMITS, never())) kept.push(entry);
    for (const { body } of kept)
      await expect(collect(body)).rejects.toThrow('read the body of an entry before the next entry');
  });
});

describe('who stops reading', () => {
  test.each([
    ['between entries', async () => {}],
    ['in a body', async ({ body }: ArchiveEntry) => void (await body[Symbol.asyncIterator]().next())],
  ])('%s, ends the source', async (_, first) => {
    const { source, state } = watched(archive);
    for await (const entry of readArchive(source, LIMITS, never())) {
      await first(entry);
      break;
    }
    await vi.waitFor(() => expect(state.closed).toBe(true));
  });

  test('by throwing, gets his own error', async () => {
    const { source, state } = watched(archive);
    const reading = (async () => {
      for await (const _ of readArchive(source, LIMITS, never())) throw new Error('disk full');
    })();
    await expect(reading).rejects.toThrow('disk full');
    await vi.waitFor(() => expect(state.closed).toBe(true));
  });
});

describe('an abort', () => {
  const reason = new Error('the client left');

  test('before anything was read', async () => {
    const { source, state } = watched(archive);
    await expect(readArchive(source, LIMITS, AbortSignal.abort(reason)).next()).rejects.toBe(reason);
    expect(state.given).toBe(0);
  });

  test.each([
    ['for the first entry', archive.subarray(0, 5)],
    ['for a body', archive.subarray(0, 150_000)],
    ['for the end', archive.subarray(0, -4)],
  ])('while the source keeps one waiting %s', async (_, bytes) => {
    const controller = new AbortController();
    const reading = (async () => {
      for await (const { body } of readArchive(stalled(bytes), LIMITS, controller.signal)) await collect(body);
    })();
    setImmediate(() => controller.abort(reason));
    await expect(reading).rejects.toBe(reason);
  });

  test('while the reader works on an entry', async () => {
    const controller = new AbortController();
    const reading = (async () => {
      for await (const { path } of readArchive(chunked(archive, 1_000), LIMITS, controller.signal)) {
        if (path === 'big') controller.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
  });

  test('after the end changes nothing', async () => {
    const controller = new AbortController();
    for await (const _ of readArchive(chunked(archive), LIMITS, controller.signal));
    controller.abort(reason);
    await new Promise(setImmediate);
  });
});

describe('an error of the source', () => {
  const failure = Object.assign(new Error('connection reset'), { code: 'ECONNRESET' });

  test.each([
    ['at once', 0],
    ['in the gzip header', 5],
    ['in a body', 150_000],
    ['at the end', archive.length],
  ])('%s is thrown as it is', async (_, after) => {
    async function* failing() {
      yield archive.subarray(0, after);
      throw failure;
    }
    const reading = (async () => {
      for await (const { body } of readArchive(failing(), LIMITS, never())) await collect(body);
    })();
    await expect(reading).rejects.toBe(failure);
  });
});

test('an error in a body is thrown where the body is read', async () => {
  const cut = gzipSync(Buffer.concat([block({ name: 'a', content: 'A' }), block(big).subarray(0, 100_000)]));
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { path, body } of readArchive(chunked(cut), LIMITS, never())) {
      seen.push(path);
      await collect(body).catch((error: { code?: string }) => seen.push(String(error.code)));
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: 'archive_invalid', status: 400 });
  expect(seen).toEqual(['a', 'big', 'archive_invalid']);
});

test('what comes after the last entry is still an error', async () => {
  const seen: string[] = [];
  const late = gzipSync(Buffer.concat([tar({ name: 'a', content: 'A' }), END, Buffer.from('more')]));
  const reading = (async () => {
    for await (const { path } of readArchive(chunked(late), LIMITS, never())) seen.push(path);
  })();
  await expect(reading).rejects.toMatchObject({ code: 'archive_invalid' });
});

test('a web stream is a source', async () => {
  const stream = new Response(new Uint8Array(tarGz({ name: 'a', content: 'A' }))).body;
  const paths: string[] = [];
  for await (const { path } of readArchive(stream as unknown as AsyncIterable<Uint8Array>, LIMITS, never()))
    paths.push(path);
  expect(paths).toEqual(['a']);
});
