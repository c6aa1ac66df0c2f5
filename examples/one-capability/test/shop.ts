import { expect } from 'vitest';

/** What a customer does with the shop, over its socket, knowing only its URL. */
export async function useShop(url: string, adminToken: string): Promise<void> {
  const admin = { Authorization: `Bearer ${adminToken}` };
  const created = await fetch(`${url}/storage/v1/buckets`, {
    method: 'POST',
    headers: { ...admin, 'Content-Type': 'application/json' },
    body: JSON.stringify({ slug: 'pictures', is_public: true }),
  });
  expect(created.status).toBe(201);
  const put = await fetch(`${url}/storage/v1/object/pictures/cats/tom.txt`, {
    method: 'PUT',
    headers: { ...admin, 'Content-Type': 'text/plain' },
    body: 'meow',
  });
  expect(put.status).toBe(200);
  const got = await fetch(`${url}/storage/v1/object/pictures/cats/tom.txt`);
  expect([got.status, await got.text(), got.headers.get('content-type')]).toEqual([200, 'meow', 'text/plain']);
  expect((await fetch(`${url}/orders`, { method: 'POST' })).status).toBe(201);
}
