import { join } from 'node:path';
import { createFilesystemBlobStore } from '@reactor/blobs';
import {
  type BlobStore,
  type Capability,
  coreErrors,
  createBlobSweep,
  createSweepMetrics,
  metricsContributor,
  OpenTenants,
  type Principal,
  type ReactorEnv,
  silentLogger,
  systemClock,
} from '@reactor/core';
import { ALICE, createTestDatabase, sample, type TestDatabase, temporaryDirectory } from '@reactor/testing';
import { Hono } from 'hono';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createStorage, type StoragePorts } from '../src/index.js';
import { jsonBody, refusal } from './support/storage.js';
import { createSweeper } from './support/sweeper.js';

type Id = 'a' | 'b';

interface TestTenants {
  readonly storage: Capability;
  readonly tenants: OpenTenants<StoragePorts>;
  readonly databases: Readonly<Record<Id, TestDatabase['database']>>;
  readonly blobs: Readonly<Record<Id, BlobStore>>;
  /** A request of the tenant, with its own token `alice-<id>` or `admin-<id>`. */
  as(tenant: Id, token?: string): (method: string, path: string, init?: RequestInit) => Promise<Response>;
}

/** Storage mounted once, over two databases, with the tenant in a header. */
async function createTestTenants(folders: 'one folder' | 'two folders'): Promise<TestTenants> {
  const parent = await temporaryDirectory();
  const shared = createFilesystemBlobStore({ root: join(parent, 'blobs'), clock: systemClock });
  const own = (id: Id) => createFilesystemBlobStore({ root: join(parent, id), clock: systemClock });
  const blobs = folders === 'one folder' ? { a: shared, b: shared } : { a: own('a'), b: own('b') };
  const made = { a: await createTestDatabase(), b: await createTestDatabase() };
  const databases = { a: made.a.database, b: made.b.database };

  const tenants = new OpenTenants<StoragePorts>({
    async open(id) {
      if (id !== 'a' && id !== 'b') throw coreErrors.create.not_found('There is no such tenant.');
      const principals: Readonly<Record<string, Principal>> = {
        [`admin-${id}`]: { kind: 'system' },
        // One user id in both, as two auths that know nothing of each other may give.
        [`alice-${id}`]: { kind: 'user', id: ALICE, claims: {} },
      };
      const verify = async (token: string) => {
        const principal = principals[token];
        if (principal === undefined) throw coreErrors.create.invalid_token('The token is not known.');
        return principal;
      };
      return { database: databases[id], tokens: { verify }, blobs: blobs[id] };
    },
    async close() {},
  });
  const context = { logger: silentLogger, clock: systemClock, tenants };
  const storage = createStorage({ maxUploadBytes: 10_000_000 }, context);
  for (const database of Object.values(databases)) {
    for (const { sql } of storage.migrations) await database.query(sql);
  }
  await storage.start();
  onTestFinished(() => storage.stop(AbortSignal.timeout(1_000)));
  onTestFinished(() => tenants.close(AbortSignal.timeout(1_000)));

  const app = new Hono<ReactorEnv>();
  app.use(tenants.middleware((c) => c.req.header('X-Tenant') ?? 'none'));
  app.route(storage.basePath, storage.routes);
  const as: TestTenants['as'] =
    (tenant, token = `alice-${tenant}`) =>
    async (method, path, init = {}) => {
      const headers = new Headers(init.headers);
      headers.set('X-Tenant', tenant);
      if (token !== '') headers.set('Authorization', `Bearer ${token}`);
      const answer = await app.request(`http://localhost/storage/v1${path}`, { ...init, method, headers });
      // An answer that nobody reads keeps its tenant open; a download is read by the test.
      return method === 'GET' ? answer : readWhole(answer);
    };
  return { storage, tenants, databases, blobs, as };
}

async function readWhole(answer: Response): Promise<Response> {
  const bytes = await answer.arrayBuffer();
  return new Response(bytes.byteLength === 0 ? null : bytes, answer);
}

/** Makes a bucket. @returns its id */
async function bucket({ as }: TestTenants, tenant: Id, slug: string, isPublic = false): Promise<string> {
  const answer = await as(tenant, `admin-${tenant}`)('POST', '/buckets', jsonBody({ slug, is_public: isPublic }));
  expect(answer.status).toBe(201);
  return ((await answer.json()) as { id: string }).id;
}

async function keys(blobs: BlobStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of blobs.list('objects')) found.push(key);
  return found.sort();
}

describe.each(['one folder', 'two folders'] as const)('two tenants with blobs in %s', (folders) => {
  it('have what is theirs under one and the same name', async () => {
    const both = await createTestTenants(folders);
    const { as } = both;
    for (const id of ['a', 'b'] as const) {
      await bucket(both, id, 'shelf');
      const answer = await as(id)('PUT', '/object/shelf/x', { body: `of ${id}` });
      expect(answer.status).toBe(200);
    }
    for (const id of ['a', 'b'] as const) {
      expect(await (await as(id)('GET', '/object/shelf/x')).text()).toBe(`of ${id}`);
      const page = (await (await as(id)('GET', '/buckets/shelf/objects')).json()) as { objects: { size: number }[] };
      expect(page.objects).toHaveLength(1);
    }
    expect((await as('a')('DELETE', '/object/shelf/x')).status).toBe(204);
    expect(await refusal(await as('a')('GET', '/object/shelf/x'))).toBe('404 object_not_found');
    expect(await (await as('b')('GET', '/object/shelf/x')).text()).toBe('of b');
  });

  it('reach nothing of each other, by id, slug, tag or token', async () => {
    const both = await createTestTenants(folders);
    const { as } = both;
    const theirs = await bucket(both, 'a', 'theirs', true);
    await bucket(both, 'b', 'mine');
    const stored = await as('a')('PUT', '/object/theirs/secret', { body: 'secret of a' });
    const etag = String(stored.headers.get('ETag'));
    const admin = as('b', 'admin-b');
    expect(await refusal(await admin('GET', `/buckets/${theirs}`))).toBe('404 bucket_not_found');
    expect(await refusal(await admin('PATCH', `/buckets/${theirs}`, jsonBody({ is_public: true })))).toBe(
      '404 bucket_not_found',
    );
    expect(await refusal(await admin('DELETE', `/buckets/${theirs}?cascade=true`))).toBe('404 bucket_not_found');
    expect(await refusal(await admin('GET', `/buckets/${theirs}/objects`))).toBe('404 bucket_not_found');
    const { buckets } = (await (await admin('GET', '/buckets')).json()) as { buckets: { slug: string }[] };
    expect(buckets.map(({ slug }) => slug)).toEqual(['mine']);

    expect(await refusal(await admin('GET', '/object/theirs/secret'))).toBe('404 bucket_not_found');
    expect(await refusal(await as('b', '')('GET', '/object/theirs/secret'))).toBe('401 unauthorized');
    const cached = await admin('GET', '/object/theirs/secret', { headers: { 'If-None-Match': etag } });
    expect(await refusal(cached)).toBe('404 bucket_not_found');
    expect(await refusal(await admin('PUT', '/object/theirs/secret', { body: 'x' }))).toBe('404 bucket_not_found');
    expect(await refusal(await admin('DELETE', '/object/theirs/secret'))).toBe('404 bucket_not_found');

    for (const token of ['admin-a', 'alice-a']) {
      expect(await refusal(await as('b', token)('GET', '/buckets'))).toBe('401 invalid_token');
      expect(await refusal(await as('b', token)('GET', '/object/mine/x'))).toBe('401 invalid_token');
      expect(await refusal(await as('b', token)('PUT', '/object/mine/x', { body: 'x' }))).toBe('401 invalid_token');
    }
    expect(await (await as('a')('GET', '/object/theirs/secret')).text()).toBe('secret of a');
  });

  it('keep apart under many requests at once', async () => {
    const both = await createTestTenants(folders);
    const { as } = both;
    await Promise.all([bucket(both, 'a', 'shelf'), bucket(both, 'b', 'shelf')]);
    const rounds = Array.from({ length: 60 }, async (_, i) => {
      const id = i % 2 === 0 ? 'a' : 'b';
      await as(id)('PUT', `/object/shelf/${i >> 1}`, { body: `${id} ${i}` });
      return (await as(id)('GET', `/object/shelf/${i >> 1}`)).text();
    });
    expect(await Promise.all(rounds)).toEqual(Array.from({ length: 60 }, (_, i) => `${i % 2 === 0 ? 'a' : 'b'} ${i}`));
  });

  it('are swept each by its own ledger', async () => {
    const both = await createTestTenants(folders);
    const { as, blobs, databases } = both;
    for (const id of ['a', 'b'] as const) {
      await bucket(both, id, 'shelf');
      for (const key of ['kept', 'deleted']) await as(id)('PUT', `/object/shelf/${key}`, { body: `${key} of ${id}` });
      await as(id)('DELETE', '/object/shelf/deleted');
    }
    // Late enough that what no row points to is an orphan.
    const clock = { ...systemClock, now: () => systemClock.now() + 7_200_000 };
    const before = await keys(blobs.b);
    const swept = await createSweeper({ database: databases.a, blobs: blobs.a, clock }).run();
    expect(swept).toEqual({ temporary: 0, orphan: 0, condemned: 1 });
    expect(await keys(blobs.b)).toHaveLength(folders === 'one folder' ? before.length - 1 : before.length);
    expect(await (await as('b')('GET', '/object/shelf/kept')).text()).toBe('kept of b');
    expect(await createSweeper({ database: databases.b, blobs: blobs.b, clock }).run()).toMatchObject({ condemned: 1 });
    expect(await (await as('a')('GET', '/object/shelf/kept')).text()).toBe('kept of a');
  });
});

it('adds up what all have stored, and counts for all', async () => {
  const both = await createTestTenants('two folders');
  const { storage, as } = both;
  for (const id of ['a', 'b'] as const) {
    await bucket(both, id, 'shelf');
    await as(id)('PUT', '/object/shelf/x', { body: id === 'a' ? '123' : '12345' });
  }
  await as('a')('DELETE', '/object/shelf/x');
  expect(await sample(storage.metrics, 'reactor_storage_objects')).toBe(1);
  expect(await sample(storage.metrics, 'reactor_storage_stored_bytes')).toBe(5);
  expect(await sample(storage.metrics, 'reactor_storage_condemned_blobs')).toBe(1);
  expect(await sample(storage.metrics, 'reactor_storage_operations_total{operation="put",result="ok"}')).toBe(2);
});

it('is healthy when all are, and each has a health route of its own', async () => {
  const both = await createTestTenants('two folders');
  const { storage, as, blobs } = both;
  const healthOf = async (id: Id) => (await readWhole(await as(id, '')('GET', '/health'))).status;
  expect([await healthOf('a'), await healthOf('b')]).toEqual([200, 200]);
  expect(storage.probes.map(({ name }) => name)).toContain('fs_writable');
  vi.spyOn(blobs.b, 'check').mockResolvedValue({ status: 'error', reason: 'the blob folder is missing' });
  expect(await storage.health.check(AbortSignal.timeout(1_000))).toEqual({
    status: 'error',
    reason: 'the blob folder is missing',
  });
  await vi.waitUntil(async () => (await healthOf('b')) === 503, { timeout: 5_000 });
  expect(await healthOf('a')).toBe(200);
});

it('sends a download to its end though its tenant is dropped meanwhile', async () => {
  const both = await createTestTenants('two folders');
  const { tenants, storage, as } = both;
  await bucket(both, 'a', 'shelf');
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  const whole = Buffer.concat(Array.from({ length: 10 }, () => body));
  await as('a')('PUT', '/object/shelf/x', { body: whole });
  const download = await as('a')('GET', '/object/shelf/x');
  let closed = false;
  const dropped = tenants.drop('a').then(() => {
    closed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toBe(false);
  // Loops, probes and health no longer see it.
  expect(storage.probes).toEqual([]);
  const read = Buffer.from(await download.arrayBuffer());
  expect(read.equals(whole)).toBe(true);
  await dropped;
  expect(closed).toBe(true);
  expect((await as('a')('HEAD', '/object/shelf/x')).status).toBe(200);
});

it('does not close a tenant whose blobs are being swept', async () => {
  const both = await createTestTenants('two folders');
  const { tenants, as, blobs, databases } = both;
  await bucket(both, 'a', 'shelf');
  await as('a')('PUT', '/object/shelf/x', { body: 'x' });
  await as('a')('DELETE', '/object/shelf/x');
  const { sweeper } = createSweeper({ database: databases.a, blobs: blobs.a, clock: systemClock });
  const metrics = createSweepMetrics('storage');
  let dropped: Promise<void> | undefined;
  let closedBefore: boolean | undefined;
  const remove = blobs.a.delete.bind(blobs.a);
  let closed = false;
  blobs.a.delete = async (key) => {
    dropped = tenants.drop('a').then(() => {
      closed = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    closedBefore = closed;
    await remove(key);
  };
  const services = { each: () => tenants.each() };
  const sweeping = createBlobSweep({ services, sweeperOf: () => sweeper, metrics, logger: silentLogger });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  sweeping.start();
  onTestFinished(() => sweeping.stop(AbortSignal.timeout(1_000)));
  vi.advanceTimersByTime(3_000);
  const passes = () => sample(metricsContributor(metrics.families), 'reactor_storage_sweeps_total{result="ok"}');
  await vi.waitUntil(async () => (await passes()) === 1, { timeout: 20_000 });
  await dropped;
  expect(closedBefore).toBe(false);
  expect(await keys(blobs.a)).toEqual([]);
});
