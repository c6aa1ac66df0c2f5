import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { createTestAuth } from './fixture.js';

test('better-auth makes the promises of the process dearer only while it works', async () => {
  const { post, get } = await createTestAuth();
  const session = await post('/signup', { email: 'ada@example.com', password: 'correct horse battery', name: 'Ada' });
  expect(session.status).toBe(201);
  const headers = { Authorization: `Bearer ${session.body.refresh_token}` };
  expect((await get('/get-session', headers)).status).toBe(200);

  const { context } = (globalThis as Record<symbol, unknown>)[Symbol.for('better-auth:global')] as {
    context: Record<string, unknown>;
  };
  const storages = Object.values(context).filter((value) => value instanceof AsyncLocalStorage);
  expect(storages.length).toBeGreaterThanOrEqual(3);
  // Node tells nobody, before it needs no telling: 24 has no such property.
  expect(storages.filter((storage) => (storage as unknown as { enabled?: boolean }).enabled === true)).toEqual([]);
});
