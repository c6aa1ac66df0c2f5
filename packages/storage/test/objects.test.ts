import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { ALICE } from '@reactor/testing';
import { describe, expect, it } from 'vitest';
import { createTestStorage, refusal } from './support/storage.js';

const HELLO_SHA256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const HELLO_ETAG = `"${HELLO_SHA256}"`;

describe('an object', () => {
  it('comes back as it was put, with its type', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos');
    const put = await as('alice')('PUT', '/object/photos/a/hello.txt', {
      body: 'hello',
      headers: { 'Content-Type': 'text/plain; charset=utf-8' },
    });
    expect(put.status).toBe(200);
    expect(put.headers.get('ETag')).toBe(HELLO_ETAG);
    const created = await put.json();
    expect(created).toEqual({
      id: expect.any(String),
      bucket: 'photos',
      key: 'a/hello.txt',
      size: 5,
      etag: HELLO_SHA256,
      content_type: 'text/plain; charset=utf-8',
      owner_id: ALICE,
      created_at: expect.any(String),
      updated_at: created.created_at,
    });

    const got = await as('alice')('GET', '/object/photos/a/hello.txt');
    expect(got.status).toBe(200);
    expect(await got.text()).toBe('hello');
    expect(Object.fromEntries(got.headers)).toEqual({
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-cache',
      'content-length': '5',
      'content-security-policy': 'sandbox',
      'content-type': 'text/plain; charset=utf-8',
      'cross-origin-resource-policy': 'same-origin',
      etag: HELLO_ETAG,
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.any(String),
    });
    const head = await as('alice')('HEAD', '/object/photos/a/hello.txt');
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    const { 'x-request-id': _, ...headers } = Object.fromEntries(got.headers);
    expect(Object.fromEntries(head.headers)).toMatchObject(headers);
  });

  it('may be empty and without a type', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos', true);
    expect((await as('alice')('PUT', '/object/photos/empty')).status).toBe(200);
    const got = await as(undefined)('GET', '/object/photos/empty');
    expect(got.headers.get('Content-Length')).toBe('0');
    expect(got.headers.get('Content-Type')).toBe('application/octet-stream');
    expect(got.headers.get('Cache-Control')).toBe('public, no-cache');
    expect(await got.text()).toBe('');
    expect(await refusal(await as(undefined)('GET', '/object/photos/empty', { headers: { Range: 'bytes=0-' } }))).toBe(
      '416 range_not_satisfiable',
    );
  });

  it('keeps id, owner and birthday when it is replaced', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos');
    const first = await (await as('alice')('PUT', '/object/photos/a', { body: 'one' })).json();
    const second = await (await as('admin')('PUT', '/object/photos/a', { body: 'second' })).json();
    expect(second).toMatchObject({ id: first.id, owner_id: ALICE, created_at: first.created_at, size: 6 });
    expect(second.updated_at >= first.updated_at).toBe(true);
    expect(await (await as('alice')('GET', '/object/photos/a')).text()).toBe('second');
  });

  it('is gone after DELETE', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos');
    const alice = as('alice');
    await alice('PUT', '/object/photos/a', { body: 'x' });
    expect((await alice('DELETE', '/object/photos/a')).status).toBe(204);
    expect(await refusal(await alice('DELETE', '/object/photos/a'))).toBe('404 object_not_found');
    expect(await refusal(await alice('GET', '/object/photos/a'))).toBe('404 object_not_found');
  });
});

describe('keys', () => {
  const PATHS = {
    'a b/c d': 'a%20b/c%20d',
    'grüße/日本.png': 'gr%C3%BC%C3%9Fe/%E6%97%A5%E6%9C%AC.png',
    grüße: 'grüße',
    'a/b': 'a%2Fb',
    'a%2Fb': 'a%252Fb',
    '100%': '100%25',
    'what?#': 'what%3F%23',
    'a+b&c=d': 'a+b&c=d',
    '.hidden/..x': '.hidden/..x',
    'a/health': 'a/health',
    'a//b': 'a//b',
    '/a': '/a',
    'a/': 'a/',
    'back\\slash': 'back%5Cslash',
    'quote"<>|{}': 'quote%22%3C%3E%7C%7B%7D',
    '+tmp/.tmp.x/.multipart/y': '+tmp/.tmp.x/.multipart/y',
    ['k'.repeat(1024)]: 'k'.repeat(1024),
  };

  it('are what the path says, decoded once', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos');
    const alice = as('alice');
    for (const [key, path] of Object.entries(PATHS)) {
      expect(await (await alice('PUT', `/object/photos/${path}`, { body: key })).json()).toMatchObject({ key });
    }
    for (const [key, path] of Object.entries(PATHS)) {
      expect(await (await alice('GET', `/object/photos/${path}`)).text()).toBe(key);
    }
    const { objects } = await (await alice('GET', '/buckets/photos/objects')).json();
    const inByteOrder = Object.keys(PATHS).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(objects.map((object: { key: string }) => object.key)).toEqual(inByteOrder);
    for (const path of Object.values(PATHS)) {
      expect((await alice('DELETE', `/object/photos/${path}`)).status).toBe(204);
    }
  });

  it('are refused by each method when they are not text, or lead elsewhere', async () => {
    const { as, bucket, root } = await createTestStorage();
    await bucket('photos', true);
    const controls = ['a%00b', '%00', 'a%0Ab', 'a%0Db', '%7F', '%C2%85'];
    const outside = ['a%2F..%2Fb', '..%2F..%2Fetc%2Fpasswd', 'a/..%2Fb', '%2F..'];
    const broken = ['%FF', '%C3%28', '%ED%A0%80', 'a%', 'a%2', 'a%zz'];
    const long = ['k'.repeat(1025), '%E2%82%AC'.repeat(342)];
    for (const path of [...controls, ...outside, ...broken, ...long]) {
      for (const method of ['PUT', 'GET', 'DELETE']) {
        const init = method === 'PUT' ? { body: 'x' } : {};
        expect(await refusal(await as('alice')(method, `/object/photos/${path}`, init))).toBe('400 invalid_request');
      }
      expect((await as('alice')('HEAD', `/object/photos/${path}`)).status).toBe(400);
    }
    expect(await readdir(root)).toEqual(['+tmp']);
  });

  it('need a bucket that can be', async () => {
    const { as } = await createTestStorage();
    for (const slug of ['PHOTOS', 'none', '%00', 'a%2Fb', '_reactor', 'b'.repeat(64)]) {
      expect(await refusal(await as('alice')('GET', `/object/${slug}/a`))).toBe('404 bucket_not_found');
      expect(await refusal(await as('alice')('PUT', `/object/${slug}/a`, { body: 'x' }))).toBe('404 bucket_not_found');
      expect(await refusal(await as('alice')('DELETE', `/object/${slug}/a`))).toBe('404 bucket_not_found');
      expect(await refusal(await as(undefined)('GET', `/object/${slug}/a`))).toBe('401 unauthorized');
    }
  });
});

describe('ranges', () => {
  it('are sent alone, or the object whole', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos', true);
    await as('alice')('PUT', '/object/photos/a', { body: '0123456789' });
    const get = (range: string) => as(undefined)('GET', '/object/photos/a', { headers: { Range: range } });
    for (const [range, status, body, contentRange] of [
      ['bytes=1-3', 206, '123', 'bytes 1-3/10'],
      ['bytes=7-', 206, '789', 'bytes 7-9/10'],
      ['bytes=-2', 206, '89', 'bytes 8-9/10'],
      ['bytes=5-500', 206, '56789', 'bytes 5-9/10'],
      ['bytes=0-0,5-5', 200, '0123456789', null],
      ['lines=1-2', 200, '0123456789', null],
      ['bytes=5-2', 200, '0123456789', null],
    ]) {
      const got = await get(String(range));
      expect([range, got.status, await got.text(), got.headers.get('Content-Range')]).toEqual([
        range,
        status,
        body,
        contentRange,
      ]);
      expect(got.headers.get('Content-Length')).toBe(String(body?.toString().length));
    }
    for (const range of ['bytes=10-', 'bytes=-0', `bytes=${'9'.repeat(100)}-`]) {
      const got = await get(range);
      expect(got.headers.get('Content-Range')).toBe('bytes */10');
      expect(await refusal(got)).toBe('416 range_not_satisfiable');
    }
  });

  it('are of the version that If-Range names, or the object is sent whole', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos', true);
    const etag = (await as('alice')('PUT', '/object/photos/a', { body: 'hello' })).headers.get('ETag') ?? '';
    const get = (ifRange: string) =>
      as(undefined)('GET', '/object/photos/a', { headers: { Range: 'bytes=1-2', 'If-Range': ifRange } });
    expect(await (await get(etag)).text()).toBe('el');
    for (const other of ['"other"', `W/${etag}`, new Date().toUTCString()]) {
      expect(await (await get(other)).text()).toBe('hello');
    }
  });

  it('do not concern HEAD', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos', true);
    await as('alice')('PUT', '/object/photos/a', { body: '0123456789' });
    const head = await as(undefined)('HEAD', '/object/photos/a', { headers: { Range: 'bytes=1-2' } });
    expect([head.status, head.headers.get('Content-Length')]).toEqual([200, '10']);
  });
});

describe('conditions', () => {
  it('answer 304 to who has this version', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos', true);
    await as('alice')('PUT', '/object/photos/a', { body: 'hello' });
    for (const method of ['GET', 'HEAD']) {
      const unchanged = await as(undefined)(method, '/object/photos/a', { headers: { 'If-None-Match': HELLO_ETAG } });
      expect([unchanged.status, unchanged.headers.get('ETag'), await unchanged.text()]).toEqual([304, HELLO_ETAG, '']);
      const changed = await as(undefined)(method, '/object/photos/a', { headers: { 'If-None-Match': '"other"' } });
      expect([changed.status, await changed.text()]).toEqual([200, method === 'HEAD' ? '' : 'hello']);
      const mismatch = await as(undefined)(method, '/object/photos/a', { headers: { 'If-Match': '"other"' } });
      expect(mismatch.status).toBe(412);
    }
  });

  it('protect what is there from a PUT', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos');
    const put = (body: string, headers: Record<string, string>) =>
      as('alice')('PUT', '/object/photos/a', { body, headers });
    expect(await refusal(await put('x', { 'If-Match': '*' }))).toBe('412 precondition_failed');
    expect((await put('hello', { 'If-None-Match': '*' })).status).toBe(200);
    expect(await refusal(await put('x', { 'If-None-Match': '*' }))).toBe('412 precondition_failed');
    expect(await refusal(await put('x', { 'If-Match': '"other"' }))).toBe('412 precondition_failed');
    expect(await refusal(await put('x', { 'If-None-Match': 'star' }))).toBe('400 invalid_request');
    expect((await put('second', { 'If-Match': HELLO_ETAG })).status).toBe(200);
    expect(await (await as('alice')('GET', '/object/photos/a')).text()).toBe('second');
  });

  it('let one of many first uploads through', async () => {
    const { as, bucket, root } = await createTestStorage();
    await bucket('photos');
    const puts = Array.from({ length: 8 }, (_, i) =>
      as('alice')('PUT', '/object/photos/a', { body: `body ${i}`, headers: { 'If-None-Match': '*' } }),
    );
    const statuses = (await Promise.all(puts)).map(({ status }) => status).sort();
    expect(statuses).toEqual([200, 412, 412, 412, 412, 412, 412, 412]);
    expect(await countBlobs(root)).toBe(1);
  });

  it('protect what is there from a DELETE', async () => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos');
    await as('alice')('PUT', '/object/photos/a', { body: 'hello' });
    const remove = (etag: string) => as('alice')('DELETE', '/object/photos/a', { headers: { 'If-Match': etag } });
    expect(await refusal(await remove('"other"'))).toBe('412 precondition_failed');
    expect((await remove(HELLO_ETAG)).status).toBe(204);
  });
});

describe('an upload is refused', () => {
  it('over the limit, announced or not, and taken at the limit', async () => {
    const { as, bucket, root } = await createTestStorage({ maxUploadBytes: 100 });
    await bucket('photos');
    const put = (size: number, headers: Record<string, string>) =>
      as('alice')('PUT', '/object/photos/a', { body: 'x'.repeat(size), headers });
    expect(await refusal(await put(101, { 'Content-Length': '101' }))).toBe('413 object_too_large');
    expect(await refusal(await put(101, {}))).toBe('413 object_too_large');
    expect(await countBlobs(root)).toBe(0);
    expect((await put(100, { 'Content-Length': '100' })).status).toBe(200);
    expect((await put(100, {})).status).toBe(200);
  });

  it('when its length is not what was announced', async () => {
    const { as, bucket, root } = await createTestStorage();
    await bucket('photos');
    const put = (length: string) =>
      as('alice')('PUT', '/object/photos/a', { body: 'hello', headers: { 'Content-Length': length } });
    expect(await refusal(await put('6'))).toBe('400 incomplete_body');
    expect(await refusal(await put('4'))).toBe('400 incomplete_body');
    expect(await refusal(await put('five'))).toBe('400 invalid_request');
    expect(await countBlobs(root)).toBe(0);
  });

  it.each([
    ['400 invalid_request', { 'Content-Type': 'nonsense' }],
    ['400 invalid_request', { 'Content-Range': 'bytes 0-4/10' }],
    ['415 unsupported_media_type', { 'Content-Encoding': 'gzip' }],
  ])('with %s for %j', async (expected, headers) => {
    const { as, bucket } = await createTestStorage();
    await bucket('photos');
    expect(await refusal(await as('alice')('PUT', '/object/photos/a', { body: 'x', headers }))).toBe(expected);
  });
});

it('ends many uploads to one key with one whole object', async () => {
  const { as, bucket, root, database } = await createTestStorage();
  await bucket('photos');
  const bodies = Array.from({ length: 10 }, (_, i) => String(i).repeat(200_000));
  const answers = await Promise.all(bodies.map((body) => as('alice')('PUT', '/object/photos/a', { body })));
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
  const got = await as('alice')('GET', '/object/photos/a');
  expect(bodies).toContain(await got.text());
  const { rows } = await database.query<{ objects: string; blobs: string; wanted: string }>(
    `SELECT (SELECT count(*) FROM reactor_storage.objects) AS objects, count(*) AS blobs,
       count(*) FILTER (WHERE condemned_at IS NULL) AS wanted FROM reactor_storage.blobs`,
  );
  expect(rows).toEqual([{ objects: '1', blobs: '10', wanted: '1' }]);
  expect(await countBlobs(root)).toBe(10);
});

it('names an object whose bytes are lost', async () => {
  const { as, bucket, blobs } = await createTestStorage();
  await bucket('photos');
  await as('alice')('PUT', '/object/photos/a', { body: 'x' });
  for await (const { key } of blobs.list('')) await blobs.delete(key);
  expect(await refusal(await as('alice')('GET', '/object/photos/a'))).toBe('500 blob_missing');
});

it('names an object whose file has lost its end, whichever part is asked for', async () => {
  const { as, bucket, root } = await createTestStorage();
  await bucket('photos');
  await as('alice')('PUT', '/object/photos/a', { body: 'x'.repeat(100) });
  await truncate(await onlyBlob(root), 5);
  for (const range of [undefined, 'bytes=50-60', 'bytes=0-2', 'bytes=-5']) {
    const headers = range === undefined ? {} : { Range: range };
    const got = await as('alice')('GET', '/object/photos/a', { headers });
    expect(got.headers.get('Content-Range')).toBeNull();
    expect(await refusal(got)).toBe('500 blob_damaged');
  }
});

it('reads the new version when the old one was swept on the way', async () => {
  const { as, bucket, blobs } = await createTestStorage();
  await bucket('photos');
  await as('alice')('PUT', '/object/photos/a', { body: 'old' });
  const open = blobs.get.bind(blobs);
  blobs.get = async (key, ...rest) => {
    blobs.get = open;
    // Between the row and the file of this reader.
    await as('alice')('PUT', '/object/photos/a', { body: 'new' });
    await blobs.delete(key);
    return open(key, ...rest);
  };
  expect(await (await as('alice')('GET', '/object/photos/a')).text()).toBe('new');
});

async function onlyBlob(root: string): Promise<string> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const [file, ...others] = entries.filter((entry) => entry.isFile());
  if (file === undefined || others.length > 0) throw new Error(`expected one blob, found ${others.length + 1}`);
  return join(file.parentPath, file.name);
}

async function countBlobs(root: string): Promise<number> {
  const files = await readdir(root, { recursive: true, withFileTypes: true });
  const temporary = files.filter((file) => file.isFile() && file.parentPath === join(root, '+tmp'));
  if (temporary.length > 0) throw new Error(`temporary files are left: ${temporary.map(({ name }) => name)}`);
  return files.filter((file) => file.isFile()).length;
}
