import { request } from 'node:http';
import { listen } from '@reactor/testing';
import { expect, it } from 'vitest';
import { createTestStorage } from './support/storage.js';

const GUARDS = ['Content-Type', 'X-Content-Type-Options', 'Content-Security-Policy', 'Cross-Origin-Resource-Policy'];

/** Types as an older release has stored them, with how they are sent. */
const STORED = [
  ['text/html', 'sandbox'],
  ['application/pdf', null],
  ['application/PDF', 'sandbox'],
  ['application/pdf;x=1', 'sandbox'],
  ['application/pdf;x=1, text/html', 'sandbox'],
  ['application/pdf; "', 'sandbox'],
] as const;

it.each([true, false])('every way out of a bucket carries the guards of the type (public: %s)', async (isPublic) => {
  const { as, bucket, database } = await createTestStorage();
  await bucket('attic', isPublic);
  const put = await as('alice')('PUT', '/object/attic/a', { body: 'hello' });
  const etag = put.headers.get('ETag') as string;
  const get = as(isPublic ? undefined : 'alice');
  const seen = [];
  for (const [type] of STORED) {
    await database.query('UPDATE reactor_storage.objects SET content_type = $1', [type]);
    const ways = await Promise.all([
      get('GET', '/object/attic/a'),
      get('HEAD', '/object/attic/a'),
      get('GET', '/object/attic/a', { headers: { Range: 'bytes=1-2' } }),
      get('GET', '/object/attic/a', { headers: { 'If-None-Match': '"other"' } }),
    ]);
    for (const { headers, body } of ways) {
      seen.push(GUARDS.map((name) => headers.get(name)));
      await body?.cancel();
    }
  }
  const policy = isPublic ? 'cross-origin' : 'same-origin';
  expect(seen).toEqual(STORED.flatMap(([type, csp]) => Array(4).fill([type, 'nosniff', csp, policy])));

  await database.query("UPDATE reactor_storage.objects SET content_type = 'text/html'");
  const unchanged = await get('GET', '/object/attic/a', { headers: { 'If-None-Match': etag } });
  expect([unchanged.status, ...GUARDS.map((name) => unchanged.headers.get(name))]).toEqual([
    304,
    null,
    'nosniff',
    'sandbox',
    policy,
  ]);
});

it('a copy that a browser keeps of a type that is not accepted any more is replaced', async () => {
  const { as, bucket, database } = await createTestStorage();
  await bucket('attic', true);
  const put = await as('alice')('PUT', '/object/attic/a', { body: 'hello' });
  const headers = { 'If-None-Match': put.headers.get('ETag') as string };
  for (const method of ['GET', 'HEAD']) {
    const statuses = [];
    for (const type of ['application/pdf', 'application/pdf, text/html']) {
      await database.query('UPDATE reactor_storage.objects SET content_type = $1', [type]);
      const answer = await as(undefined)(method, '/object/attic/a', { headers });
      statuses.push(answer.status);
      await answer.body?.cancel();
    }
    expect([method, statuses]).toEqual([method, [304, 200]]);
  }
});

it('an upload with a list of types, in one header or two, is refused and keeps nothing', async () => {
  const { app, as, bucket } = await createTestStorage();
  await bucket('attic');
  const { port } = await listen(app);
  const send = (type: string | string[]) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { Authorization: 'Bearer alice', 'Content-Type': type };
      const put = request({ port, host: '127.0.0.1', method: 'PUT', path: '/storage/v1/object/attic/a', headers });
      put.on('response', (answer) => resolve(answer.resume().statusCode)).on('error', reject);
      put.end('x');
    });
  expect(await Promise.all([send('text/plain, text/html'), send(['text/plain', 'text/html'])])).toEqual([400, 400]);
  expect((await as('alice')('GET', '/object/attic/a')).status).toBe(404);
});
