import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  coreErrors,
  createRoutes,
  type Database,
  OpenTenants,
  type ReactorEnv,
  silentLogger,
  systemClock,
} from '@reactor/core';
import { ALICE, BOB, temporaryDirectory } from '@reactor/testing';
import { Hono } from 'hono';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createData, type DataConfig, type DataPorts, parseDataConfig } from '../src/index.js';
import { jsonBody } from './support/data.js';
import { databaseWith } from './support/database.js';
import { user } from './support/tokens.js';

const PROTECTED =
  'ALTER TABLE notes ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON notes USING (owner = auth.user_id())';
const OWNED = `owner uuid NOT NULL DEFAULT auth.user_id()`;

/** By tenant: tables of one name and of other columns, types and rows. */
const DATABASES: Readonly<Record<string, string>> = {
  a: `CREATE TABLE notes (id int PRIMARY KEY, ${OWNED}, text text); ${PROTECTED};
    INSERT INTO notes VALUES (1, '${ALICE}', 'of a'), (2, '${BOB}', 'hidden')`,
  b: `CREATE TABLE notes (${OWNED}, text int[], id text PRIMARY KEY, more jsonb); ${PROTECTED};
    INSERT INTO notes VALUES ('${ALICE}', '{1,2}', '1', '{"of":"b"}'), ('${BOB}', NULL, '2', NULL)`,
};

/** Data mounted once over both databases; a header says whose request it is. */
async function twoTenants(config: Partial<DataConfig> = {}) {
  const databases: Record<string, Database> = {};
  for (const [id, sql] of Object.entries(DATABASES)) databases[id] = (await databaseWith(sql)).database;
  const calls: Record<string, number> = {};
  const closed: string[] = [];
  const tenants = new OpenTenants<DataPorts & { readonly id: string }>({
    async open(id) {
      const database = databases[id];
      if (database === undefined) throw coreErrors.create.not_found('There is no such tenant.');
      const tokens = {
        async verify(token: string) {
          if (token === `admin-of-${id}`) return { kind: 'system' } as const;
          if (token !== `alice-of-${id}`) throw coreErrors.create.invalid_token('The token is not known.');
          return user(ALICE);
        },
      };
      return { id, database: counting(database, () => (calls[id] = (calls[id] ?? 0) + 1)), tokens };
    },
    async close({ id }) {
      closed.push(id);
    },
  });
  const context = { logger: silentLogger, clock: systemClock };
  const data = createData({ ...parseDataConfig({}), ...config }, { ...context, tenants });
  await data.start();
  onTestFinished(async () => {
    await tenants.close(AbortSignal.timeout(5_000));
    await data.stop(AbortSignal.timeout(1_000));
  });
  const app = new Hono<ReactorEnv>();
  app.use(tenants.middleware((c) => c.req.header('X-Tenant') ?? ''));
  app.route(data.basePath, createRoutes().route('/', data.routes));
  const ask = (id: string, token: string, method: string, to: string, init: RequestInit = {}) => {
    const headers = { Authorization: `Bearer ${token}`, 'X-Tenant': id, ...init.headers };
    return app.request(`http://localhost/data/v1${to}`, { ...init, method, headers });
  };
  const rowsOf = async (id: string, to = '/notes?order=id') =>
    (await (await ask(id, `alice-of-${id}`, 'GET', to)).json()) as Record<string, unknown>[];
  return { data, tenants, databases, calls, closed, ask, rowsOf };
}

function counting(database: Database, onCall: () => void): Database {
  return {
    events: database.events,
    ping: (signal) => database.ping(signal),
    query: (...args) => {
      onCall();
      return database.query(...args);
    },
    connect: (options) => {
      onCall();
      return database.connect(options);
    },
    transaction: (work) => {
      onCall();
      return database.transaction(work);
    },
  };
}

const ROWS: Readonly<Record<string, unknown>> = {
  a: [{ id: 1, owner: ALICE, text: 'of a' }],
  b: [{ owner: ALICE, text: [1, 2], id: '1', more: { of: 'b' } }],
};

test('each request meets the schema and the rows of its tenant, also with warm statements and at once', async () => {
  const { ask, rowsOf } = await twoTenants();
  const everything = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const id = i % 2 === 0 ? 'a' : 'b';
      return { id, rows: await rowsOf(id) };
    }),
  );
  for (const { id, rows } of everything) expect(rows).toEqual(ROWS[id]);
  const change = async (id: string, body: unknown) =>
    (await ask(id, `alice-of-${id}`, 'PATCH', '/notes?id=eq.1', jsonBody(body))).status;
  expect(await Promise.all([change('a', { text: 'new' }), change('b', { text: [3] })])).toEqual([204, 204]);
  expect([await rowsOf('a', '/notes?select=text'), await rowsOf('b', '/notes?select=text')]).toEqual([
    [{ text: 'new' }],
    [{ text: [3] }],
  ]);
});

test('a token of one tenant is nobody for another, the operator of one too', async () => {
  const { ask } = await twoTenants();
  const answers: Record<string, number> = {};
  for (const [id, other] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    for (const token of [`alice-of-${id}`, `admin-of-${id}`]) {
      const reload = (tenant: string) => ask(tenant, token, 'POST', '/_admin/reload');
      answers[`${token} at ${id}`] = (await ask(id, token, 'GET', '/notes')).status;
      answers[`${token} at ${other}`] = (await ask(other, token, 'GET', '/notes')).status;
      answers[`${token} reloads ${id}`] = (await reload(id)).status;
      answers[`${token} reloads ${other}`] = (await reload(other)).status;
    }
  }
  expect(answers).toEqual({
    'alice-of-a at a': 200,
    'alice-of-a at b': 401,
    'alice-of-a reloads a': 403,
    'alice-of-a reloads b': 401,
    'admin-of-a at a': 200,
    'admin-of-a at b': 401,
    'admin-of-a reloads a': 200,
    'admin-of-a reloads b': 401,
    'alice-of-b at b': 200,
    'alice-of-b at a': 401,
    'alice-of-b reloads b': 403,
    'alice-of-b reloads a': 401,
    'admin-of-b at b': 200,
    'admin-of-b at a': 401,
    'admin-of-b reloads b': 200,
    'admin-of-b reloads a': 401,
  });
});

test('what changes in one database is no event for another', async () => {
  const { databases, calls, rowsOf } = await twoTenants();
  await Promise.all([rowsOf('a'), rowsOf('b')]);
  // Both begin to listen, and are told of a gap.
  const settled = async (id: string) => {
    await vi.waitFor(async () => {
      const before = calls[id];
      await databases[id]?.query('SELECT pg_sleep(0.1)');
      expect(calls[id]).toBe(before);
    });
    return calls[id];
  };
  const before = { a: await settled('a'), b: await settled('b') };
  await databases.a?.query('ALTER TABLE notes ADD fresh int DEFAULT 7');
  await databases.a?.events.publish('data.schema');
  await vi.waitFor(async () => expect(calls.a).toBeGreaterThan(before.a as number));
  await vi.waitFor(async () => expect(await rowsOf('a', '/notes?select=fresh')).toEqual([{ fresh: 7 }]));
  expect(calls.b).toBe(before.b);
  expect(await rowsOf('b', '/notes?select=fresh')).toMatchObject({ error: { code: 'column_not_found' } });
});

test('a tenant is not closed under a request, others are served meanwhile, and it opens anew', async () => {
  const { databases, tenants, closed, ask, rowsOf } = await twoTenants();
  await Promise.all([rowsOf('a'), rowsOf('b')]);
  const holder = await databases.a?.connect();
  onTestFinished(() => holder?.release(true));
  await holder?.query('BEGIN; LOCK TABLE notes');
  const waiting = ask('a', 'alice-of-a', 'GET', '/notes');
  await vi.waitFor(async () => {
    const text = "SELECT FROM pg_locks WHERE NOT granted AND relation = 'notes'::regclass";
    // A reading of the schema may wait for it, too.
    expect((await databases.a?.query(text))?.rowCount).toBeGreaterThan(0);
  });
  const dropped = tenants.drop('a');
  expect(await rowsOf('b')).toEqual(ROWS.b);
  expect(closed).toEqual([]);
  await holder?.query('COMMIT');
  holder?.release();
  expect(await (await waiting).json()).toEqual(ROWS.a);
  await dropped;
  expect(closed).toEqual(['a']);
  expect(await rowsOf('a')).toEqual(ROWS.a);
  expect(await rowsOf('b')).toEqual(ROWS.b);
});

test('health, probes, metrics and migrations are those of all', async () => {
  const migrationsDir = await temporaryDirectory();
  await writeFile(path.join(migrationsDir, '1_more.sql'), 'CREATE TABLE more (id int PRIMARY KEY)');
  const { data, rowsOf, databases, ask } = await twoTenants({ migrationsDir });
  expect(data.probes).toEqual([]);
  expect(await data.health.check(AbortSignal.timeout(1_000))).toEqual({ status: 'ok' });
  await Promise.all([rowsOf('a'), rowsOf('b')]);
  expect(await rowsOf('a', '/more')).toEqual([]);
  expect(await rowsOf('b', '/more')).toEqual([]);

  await writeFile(path.join(migrationsDir, '2_last.sql'), 'CREATE TABLE last (id int PRIMARY KEY)');
  expect(await data.appMigrations?.dryRun()).toEqual(['2_last']);
  expect(await data.appMigrations?.apply()).toEqual(['2_last']);
  const { families } = data.metrics;
  const relations = await families.find(({ name }) => name === 'reactor_data_schema_relations')?.get();
  expect(relations?.values).toMatchObject([{ value: 6 }, { value: 0 }]);

  await databases.b?.query('CREATE TABLE open (id int)');
  const rls = data.probes.find(({ name }) => name === 'rls');
  expect(await rls?.run(AbortSignal.timeout(5_000))).toMatchObject({
    status: 'warn',
    message: expect.stringMatching(/open/),
  });
  expect(await (await ask('b', '', 'GET', '/health')).json()).toEqual({ status: 'ok', version: data.version });
  expect((await ask('c', '', 'GET', '/health')).status).toBe(404);
});
