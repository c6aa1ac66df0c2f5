import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@reactor/core';
import { createTestDatabase, parseExposition, temporaryDirectory } from '@reactor/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startShop } from '../src/start.js';
import { useShop } from './shop.js';

const ADMIN_TOKEN = 'of-this-test';

async function start() {
  const { connectionString } = await createTestDatabase();
  const stateDirectory = await temporaryDirectory();
  const options = { stateDirectory, databaseUrl: connectionString, adminToken: ADMIN_TOKEN, port: 0 };
  const shop = await startShop({ ...options, logger: silentLogger });
  onTestFinished(shop.stop);
  return { url: shop.url, stateDirectory };
}

it('brings its own database where none is given', async () => {
  const stateDirectory = await temporaryDirectory();
  const shop = await startShop({ stateDirectory, adminToken: ADMIN_TOKEN, port: 0, logger: silentLogger });
  onTestFinished(shop.stop);
  await useShop(shop.url, ADMIN_TOKEN);
});

it('sells, and stores pictures', async () => {
  const { url } = await start();
  await useShop(url, ADMIN_TOKEN);
});

it('shows its own metric beside those of storage and of the blob store, in one registry', async () => {
  const { url } = await start();
  await useShop(url, ADMIN_TOKEN);
  const answer = await fetch(`${url}/metrics`);
  const exposition = parseExposition(await answer.text());
  expect(exposition.value('shop_orders_total')).toBe(1);
  expect(exposition.value('reactor_storage_operations_total', { operation: 'put', result: 'ok' })).toBe(1);
  expect(exposition.value('reactor_storage_sent_bytes_total')).toBe(4);
  expect(exposition.value('reactor_storage_objects')).toBe(1);
  expect(exposition.value('reactor_blobs_disk_free_bytes')).toBeGreaterThan(0);
});

it('has an answer of its own for what is its own, and the envelope for storage', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => error.mockRestore());
  const { url } = await start();
  const broken = await fetch(`${url}/broken`);
  expect([broken.status, await broken.text()]).toEqual([500, 'The shop is closed for a moment.']);
  expect(await (await fetch(`${url}/nothing`)).text()).toBe('The shop has no such page.');

  const refused = await fetch(`${url}/storage/v1/buckets`);
  expect(refused.status).toBe(401);
  expect(await refused.json()).toEqual({
    error: {
      code: 'unauthorized',
      status: 401,
      message: expect.any(String),
      request_id: refused.headers.get('x-request-id'),
    },
  });
});

it('is unhealthy while storage is, and says why', async () => {
  const { url, stateDirectory } = await start();
  const health = async () => {
    const answer = await fetch(`${url}/healthz`);
    return [answer.status, await answer.json()];
  };
  expect(await health()).toEqual([200, { shop: 'ok', storage: { status: 'ok' } }]);
  await rename(join(stateDirectory, 'blobs'), join(stateDirectory, 'moved'));
  expect(await health()).toEqual([
    503,
    { shop: 'ok', storage: { status: 'error', reason: 'the blob folder is missing' } },
  ]);
  const doctor = await (await fetch(`${url}/doctor`)).json();
  expect(doctor.db_ping.status).toBe('ok');
  expect(doctor.fs_writable).toMatchObject({ status: 'fail', code: 'enoent', remedy: expect.any(String) });
  await rename(join(stateDirectory, 'moved'), join(stateDirectory, 'blobs'));
  expect(await health()).toEqual([200, { shop: 'ok', storage: { status: 'ok' } }]);
});
