import { expect, it } from 'vitest';
import { createTestStorage, refusal, type TestStorage } from './support/storage.js';

/** Objects of alice and of the operator, in a private and in a public bucket. */
async function populated(): Promise<TestStorage> {
  const storage = await createTestStorage();
  await storage.bucket('private');
  await storage.bucket('open', true);
  for (const slug of ['private', 'open']) {
    await storage.as('alice')('PUT', `/object/${slug}/hers`, { body: 'hers' });
    await storage.as('admin')('PUT', `/object/${slug}/system`, { body: 'system' });
  }
  return storage;
}

const WHO = ['admin', 'alice', 'bob', undefined] as const;

/** What each caller is answered, in the order of WHO. */
async function answers({ as }: TestStorage, method: string, path: string, init?: RequestInit): Promise<string[]> {
  const results: string[] = [];
  for (const who of WHO) {
    const answer = await as(who)(method, path, init);
    const code = answer.status < 400 || method === 'HEAD' ? String(answer.status) : await refusal(answer);
    if (!answer.bodyUsed) await answer.body?.cancel();
    results.push(code);
  }
  return results;
}

it('reads', async () => {
  const storage = await populated();
  const read = (path: string) => answers(storage, 'GET', `/object/${path}`);
  expect(await read('private/hers')).toEqual(['200', '200', '404 object_not_found', '401 unauthorized']);
  expect(await read('private/system')).toEqual([
    '200',
    '404 object_not_found',
    '404 object_not_found',
    '401 unauthorized',
  ]);
  expect(await read('open/hers')).toEqual(['200', '200', '200', '200']);
  expect(await read('open/system')).toEqual(['200', '200', '200', '200']);
  expect(await answers(storage, 'HEAD', '/object/private/hers')).toEqual(['200', '200', '404', '401']);
});

it('does not tell whether there is something that the caller may not see', async () => {
  const storage = await populated();
  const body = async (who: string | undefined, path: string) => {
    const { error } = await (await storage.as(who)('GET', path)).json();
    return { ...error, request_id: undefined };
  };
  expect(await body('bob', '/object/private/hers')).toEqual(await body('bob', '/object/private/none'));
  expect(await body(undefined, '/object/private/hers')).toEqual(await body(undefined, '/object/private/none'));
  expect(await body(undefined, '/object/private/hers')).toEqual(await body(undefined, '/object/none/none'));
  expect(await body(undefined, '/object/open/none')).toMatchObject({ code: 'object_not_found' });
});

it("replaces what is the caller's, and adds what is new", async () => {
  const storage = await populated();
  const write = (path: string) => answers(storage, 'PUT', `/object/${path}`, { body: 'x' });
  expect(await write('private/hers')).toEqual(['200', '200', '403 forbidden', '401 unauthorized']);
  expect(await write('private/system')).toEqual(['200', '403 forbidden', '403 forbidden', '401 unauthorized']);
  expect(await write('open/hers')).toEqual(['200', '200', '403 forbidden', '401 unauthorized']);
  expect(await answers(storage, 'PUT', '/object/none/x', { body: 'x' })).toEqual([
    '404 bucket_not_found',
    '404 bucket_not_found',
    '404 bucket_not_found',
    '401 unauthorized',
  ]);
  expect((await storage.as('bob')('PUT', '/object/private/his', { body: 'x' })).status).toBe(200);
});

it('does not read an upload that it will refuse', async () => {
  const { as } = await populated();
  for (const [who, path] of [
    ['bob', 'private/hers'],
    ['bob', 'none/x'],
    [undefined, 'open/x'],
  ] as const) {
    let pulled = 0;
    const body = new ReadableStream({ pull: () => void pulled++ }, { highWaterMark: 0 });
    const init = { body, duplex: 'half' } as RequestInit;
    expect((await as(who)('PUT', `/object/${path}`, init)).status).toBeGreaterThanOrEqual(400);
    expect(pulled).toBe(0);
  }
});

it("deletes what is the caller's", async () => {
  const storage = await populated();
  const remove = async (who: string | undefined, path: string) => {
    const answer = await storage.as(who)('DELETE', `/object/${path}`);
    return answer.status === 204 ? '204' : refusal(answer);
  };
  expect(await remove(undefined, 'open/hers')).toBe('401 unauthorized');
  expect(await remove('bob', 'private/hers')).toBe('404 object_not_found');
  expect(await remove('bob', 'open/hers')).toBe('403 forbidden');
  expect(await remove('alice', 'open/system')).toBe('403 forbidden');
  expect(await remove('alice', 'private/hers')).toBe('204');
  expect(await remove('admin', 'open/hers')).toBe('204');
});

it('lists for users: their own in a private bucket, everything in a public one', async () => {
  const { as } = await populated();
  const keys = async (who: string | undefined, bucket: string) => {
    const answer = await as(who)('GET', `/buckets/${bucket}/objects`);
    if (answer.status !== 200) return refusal(answer);
    return (await answer.json()).objects.map((object: { key: string }) => object.key);
  };
  expect(await keys('admin', 'private')).toEqual(['hers', 'system']);
  expect(await keys('alice', 'private')).toEqual(['hers']);
  expect(await keys('bob', 'private')).toEqual([]);
  expect(await keys('bob', 'open')).toEqual(['hers', 'system']);
  expect(await keys('bob', 'none')).toBe('404 bucket_not_found');
  for (const bucket of ['private', 'open', 'none']) expect(await keys(undefined, bucket)).toBe('401 unauthorized');
});

it('becomes readable to all when the bucket is made public, and back', async () => {
  const storage = await populated();
  const publish = (value: boolean) =>
    storage.as('admin')('PATCH', '/buckets/private', {
      body: JSON.stringify({ is_public: value }),
      headers: { 'Content-Type': 'application/json' },
    });
  await publish(true);
  expect(await answers(storage, 'GET', '/object/private/hers')).toEqual(['200', '200', '200', '200']);
  await publish(false);
  expect((await storage.as(undefined)('GET', '/object/private/hers')).status).toBe(401);
});
