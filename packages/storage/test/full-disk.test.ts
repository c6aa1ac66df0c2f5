import { diskHas } from '@reactor/testing';
import { expect, it } from 'vitest';
import { createTestStorage, refusal } from './support/storage.js';

const MIB = 1024 * 1024;

it('fails health and uploads before the last byte is gone, and nothing else', async () => {
  diskHas({});
  const { storage, as, bucket } = await createTestStorage();
  await bucket('b');
  await as('alice')('PUT', '/object/b/a', { body: 'before' });

  diskHas({ bavail: (16 * MIB) / 4096 });
  expect((await as('alice')('PUT', '/object/b/b', { body: 'x' })).status).toBe(200);

  diskHas({ bavail: (16 * MIB) / 4096 - 1 });
  expect(await storage.health.check(AbortSignal.timeout(5_000))).toEqual({
    status: 'error',
    reason: 'the blob folder is full',
  });
  expect(await refusal(await as('alice')('PUT', '/object/b/c', { body: 'x' }))).toBe('507 insufficient_storage');
  expect(await (await as('alice')('GET', '/object/b/a')).text()).toBe('before');
  expect((await as('alice')('DELETE', '/object/b/a')).status).toBe(204);
});
