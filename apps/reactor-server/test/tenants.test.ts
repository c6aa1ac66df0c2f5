import path from 'node:path';
import { type AuthPorts, createAuth, parseAuthConfig } from '@reactor/auth';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { blobsBelow, type Database, OpenTenants, type ReactorEnv, silentLogger, systemClock } from '@reactor/core';
import { createData, type DataPorts, parseDataConfig } from '@reactor/data';
import { errorHandler } from '@reactor/observability';
import { migrate } from '@reactor/postgres';
import { createStorage, parseStorageConfig, type StoragePorts } from '@reactor/storage';
import { createTestDatabase, listen, temporaryDirectory } from '@reactor/testing';
import { Hono } from 'hono';
import { expect, onTestFinished, test, vi } from 'vitest';

type Ports = AuthPorts & DataPorts & StoragePorts;

const context = { logger: silentLogger, clock: systemClock };
const OPERATOR = 'the-operator-token-of-this-test-suite';
const NOTES = 'CREATE TABLE notes (id int PRIMARY KEY, owner uuid NOT NULL DEFAULT auth.user_id()';
const OWN = 'ALTER TABLE notes ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON notes USING (owner = auth.user_id())';

/** By tenant: a table of one name whose columns are of other kinds, in another order. */
const TABLES: Readonly<Record<string, string>> = {
  a: `${NOTES}, text text); ${OWN}`,
  b: `${NOTES}, "at" timestamptz, text jsonb, extra int DEFAULT 7); ${OWN}`,
};

/**
 * Auth, data and storage, mounted once, over two databases and two parts of one blob store. The header X-Tenant says whose
 * request it is.
 */
async function serve() {
  const root = path.join(await temporaryDirectory(), 'blobs');
  const blobs = createFilesystemBlobStore({ root, clock: systemClock });
  const databases: Record<string, Database> = {};
  const events: string[] = [];
  const tenants = new OpenTenants<Ports>({
    async open(id) {
      const database = databases[id] as Database;
      events.push(`open ${id}`);
      return { database, tokens, blobs: blobsBelow(blobs, `tenants/${id}`) };
    },
    async close({ database }) {
      events.push(`close ${database === databases.a ? 'a' : 'b'}`);
    },
  });
  const auth = createAuth(parseAuthConfig({ secret: 's'.repeat(40), allow_signup: true }), { ...context, tenants });
  const tokens: Ports['tokens'] = {
    verify: async (token, c) => (token === OPERATOR ? { kind: 'system' } : auth.tokens.verify(token, c)),
  };
  const data = createData(parseDataConfig({}), { ...context, tenants });
  const storage = createStorage(parseStorageConfig({}), { ...context, tenants });
  const capabilities = [auth, data, storage];
  for (const [id, sql] of Object.entries(TABLES)) {
    const { database } = await createTestDatabase();
    databases[id] = database;
    const sets = capabilities.map(({ name, migrations }) => ({ owner: name, migrations }));
    await migrate(database, sets, { logger: silentLogger });
    await database.query(sql);
  }
  for (const capability of capabilities) await capability.start();
  onTestFinished(async () => {
    await tenants.close(AbortSignal.timeout(5_000));
    for (const capability of capabilities) await capability.stop(AbortSignal.timeout(1_000));
  });
  const app = new Hono<ReactorEnv>();
  app.onError(errorHandler);
  app.use(tenants.middleware((c) => c.req.header('X-Tenant') ?? ''));
  for (const { basePath, routes } of capabilities) app.route(basePath, routes);
  const { port } = await listen(app as unknown as Hono);

  const send = async (
    tenant: string,
    token: string,
    target: string,
    { json, ...init }: RequestInit & { json?: unknown } = {},
  ) => {
    const [method = '', to = ''] = target.split(' ');
    const response = await fetch(`http://127.0.0.1:${port}${to}`, {
      method,
      ...init,
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      headers: {
        'X-Tenant': tenant,
        ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
        ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
    });
    return { status: response.status, text: await response.text() };
  };
  const signUp = async (tenant: string): Promise<string> => {
    const json = { email: 'ada@example.com', password: 'correct horse battery' };
    return JSON.parse((await send(tenant, '', 'POST /auth/v1/signup', { json })).text).access_token;
  };
  return { tenants, databases, events, send, signUp, port };
}

test('a token of one tenant is nobody with the other, on every capability', async () => {
  const { send, signUp } = await serve();
  const tokens = { a: await signUp('a'), b: await signUp('b') };
  await send('a', OPERATOR, 'POST /storage/v1/buckets', { json: { slug: 'files' } });
  await send('b', OPERATOR, 'POST /storage/v1/buckets', { json: { slug: 'files' } });
  for (const [own, other] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    for (const target of ['GET /auth/v1/user', 'GET /data/v1/notes', 'GET /storage/v1/buckets/files/objects']) {
      expect([target, (await send(own, tokens[own], target)).status]).toEqual([target, 200]);
      expect([target, (await send(other, tokens[own], target)).status]).toEqual([target, 401]);
    }
  }
});

test('rows: one table name, two shapes, many requests of both at once on warm connections', async () => {
  const { send, signUp } = await serve();
  const tokens = { a: await signUp('a'), b: await signUp('b') };
  await send('a', tokens.a, 'POST /data/v1/notes', { json: { id: 1, text: 'of a' } });
  await send('b', tokens.b, 'POST /data/v1/notes', { json: { id: 1, text: { of: 'b' } } });
  const read = (tenant: 'a' | 'b') => send(tenant, tokens[tenant], 'GET /data/v1/notes?select=text,id');
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => read(i % 2 === 0 ? 'a' : 'b')));
  for (const [i, { text }] of answers.entries()) {
    expect(JSON.parse(text)).toEqual(i % 2 === 0 ? [{ text: 'of a', id: 1 }] : [{ text: { of: 'b' }, id: 1 }]);
  }
  // What only the other has does not exist.
  expect((await send('a', tokens.a, 'GET /data/v1/notes?select=extra')).status).toBe(400);
  expect((await send('b', tokens.b, 'GET /data/v1/notes?select=extra')).status).toBe(200);
});

test('the schema: a change in one database is seen by its tenant alone', async () => {
  const { databases, send, signUp } = await serve();
  const [a, b] = [await signUp('a'), await signUp('b')];
  await send('a', a, 'GET /data/v1/notes');
  await send('b', b, 'GET /data/v1/notes');
  await databases.a?.query('ALTER TABLE notes ADD COLUMN added int');
  await vi.waitFor(async () => expect((await send('a', a, 'GET /data/v1/notes?select=added')).status).toBe(200));
  expect((await send('b', b, 'GET /data/v1/notes?select=added')).status).toBe(400);
  await databases.b?.query('ALTER TABLE notes ADD COLUMN other int');
  await vi.waitFor(async () => expect((await send('b', b, 'GET /data/v1/notes?select=other')).status).toBe(200));
});

test('events of one database are heard by its tenant alone', async () => {
  const { databases } = await serve();
  const heard: Record<string, string[]> = { a: [], b: [] };
  const subscriptions = Object.entries(databases).map(([id, { events }]) =>
    events.subscribe('border.*', (event) => {
      heard[id]?.push(event.kind === 'gap' ? 'gap' : event.payload);
    }),
  );
  await vi.waitFor(() => expect(heard).toEqual({ a: ['gap'], b: ['gap'] }));
  await databases.a?.events.publish('border.test', 'of a');
  await databases.b?.events.publish('border.test', 'of b');
  await vi.waitFor(() => expect(heard).toEqual({ a: ['gap', 'of a'], b: ['gap', 'of b'] }));
  await Promise.all(subscriptions.map((subscription) => subscription.stop()));
});

test('objects: one bucket and key, two contents; ids of one name nothing with the other', async () => {
  const { databases, send } = await serve();
  const buckets: Record<string, string> = {};
  for (const tenant of ['a', 'b']) {
    const { text } = await send(tenant, OPERATOR, 'POST /storage/v1/buckets', {
      json: { slug: 'files', public: true },
    });
    buckets[tenant] = JSON.parse(text).id;
    await send(tenant, OPERATOR, 'PUT /storage/v1/object/files/x.txt', { body: `of ${tenant}` });
  }
  await send('a', OPERATOR, 'PUT /storage/v1/object/files/only-a.txt', { body: 'only a' });
  expect((await send('a', '', 'GET /storage/v1/object/files/x.txt')).text).toBe('of a');
  expect((await send('b', '', 'GET /storage/v1/object/files/x.txt')).text).toBe('of b');
  expect((await send('b', OPERATOR, 'GET /storage/v1/object/files/only-a.txt')).status).toBe(404);
  expect((await send('b', OPERATOR, `GET /storage/v1/buckets/${buckets.a}`)).status).toBe(404);
  expect((await send('b', OPERATOR, `DELETE /storage/v1/buckets/${buckets.a}?cascade=true`)).status).toBe(404);

  // Even a database that was copied whole, store id and keys of blobs, reaches no byte of the other.
  const { rows } = (await databases.a?.query('SELECT id FROM reactor_storage.store')) ?? { rows: [] };
  await databases.b?.query('UPDATE reactor_storage.store SET id = $1', [rows[0]?.id]);
  const found = await databases.a?.query("SELECT blob_key FROM reactor_storage.objects WHERE key = 'only-a.txt'");
  const blobKey = found?.rows[0]?.blob_key;
  await databases.b?.query('INSERT INTO reactor_storage.blobs (key) VALUES ($1)', [blobKey]);
  await databases.b?.query("UPDATE reactor_storage.objects SET blob_key = $1 WHERE key = 'x.txt'", [blobKey]);
  const { status, text } = await send('b', '', 'GET /storage/v1/object/files/x.txt');
  expect([status, text]).toEqual([500, expect.stringContaining('blob_missing')]);
});

test('a tenant in use is not closed: its download ends whole, and the next request opens it anew', async () => {
  const { send, tenants, events, port } = await serve();
  await send('a', OPERATOR, 'POST /storage/v1/buckets', { json: { slug: 'files', public: true } });
  const body = new Uint8Array(8_000_000).fill(7);
  await send('a', OPERATOR, 'PUT /storage/v1/object/files/large.bin', { body });
  const response = await fetch(`http://127.0.0.1:${port}/storage/v1/object/files/large.bin`, {
    headers: { 'X-Tenant': 'a' },
  });
  const dropped = tenants.drop('a');
  expect(events).toEqual(['open a']);
  expect((await response.arrayBuffer()).byteLength).toBe(body.byteLength);
  await dropped;
  expect(events).toEqual(['open a', 'close a']);
  expect((await send('a', '', 'GET /storage/v1/object/files/large.bin')).status).toBe(200);
  expect(events).toEqual(['open a', 'close a', 'open a']);
});
