import { Client } from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createTestDatabase } from '../../testing/src/test-database.js';
import type { PostgresDatabase } from '../src/index.js';
import { openPool } from './support/servers.js';
import { tlsProxy } from './support/tls-proxy.js';

const SLEEP = 'SELECT pg_sleep(60)';

/** Statements of others that the server runs or that wait for a lock in this database. */
async function running(connectionString: string): Promise<readonly string[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ query: string }>(
      `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
         AND pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    );
    return rows.map(({ query }) => query);
  } finally {
    await client.end();
  }
}

const pidOf = async (database: PostgresDatabase) =>
  (await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;

/** Aborts once the server runs the statement. */
async function abortOnceRunning(connectionString: string, controller: AbortController): Promise<void> {
  await vi.waitFor(async () => expect(await running(connectionString)).not.toEqual([]), { timeout: 5_000 });
  controller.abort(new Error('left'));
}

test.each(['query', 'pipeline', 'transaction'] as const)('an aborted %s ends on the server', async (kind) => {
  const { connectionString } = await createTestDatabase();
  const database = openPool(connectionString, { poolMax: 1 });
  const before = await pidOf(database);
  const controller = new AbortController();
  const options = { signal: controller.signal };
  const work = {
    query: () => database.query(SLEEP, [], options),
    pipeline: async () => {
      const connection = await database.connect();
      try {
        return await connection.pipeline([{ text: SLEEP }], options);
      } finally {
        connection.release();
      }
    },
    transaction: () => database.transaction((transaction) => transaction.query(SLEEP, [], options)),
  }[kind]();
  const [ended] = await Promise.allSettled([work, abortOnceRunning(connectionString, controller)]);
  expect(ended).toMatchObject({ status: 'rejected', reason: { message: 'left' } });
  expect(await running(connectionString)).toEqual([]);
  // The pool has one connection, and it is another one.
  expect(await pidOf(database)).not.toBe(before);
});

test('what waits for a lock is cancelled, and nothing is left waiting', async () => {
  const { connectionString, database } = await createTestDatabase();
  await database.query('CREATE TABLE orders (id int)');
  const holder = new Client({ connectionString });
  await holder.connect();
  onTestFinished(() => holder.end());
  await holder.query('BEGIN; LOCK TABLE orders');
  const controller = new AbortController();
  const reads = Array.from({ length: 5 }, () =>
    database.query('SELECT FROM orders', [], { signal: controller.signal }),
  );
  const all = Promise.allSettled(reads);
  await vi.waitFor(async () => expect(await running(connectionString)).toHaveLength(5), { timeout: 5_000 });
  controller.abort(new Error('left'));
  expect((await all).map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
  expect(await running(connectionString)).toEqual([]);
});

test('what is done before its signal aborts keeps its connection', async () => {
  const { connectionString } = await createTestDatabase();
  const database = openPool(connectionString, { poolMax: 1 });
  const controller = new AbortController();
  const before = await pidOf(database);
  expect((await database.query('SELECT 1 AS one', [], { signal: controller.signal })).rows).toEqual([{ one: 1 }]);
  controller.abort();
  expect(await pidOf(database)).toBe(before);
  await expect(database.query('SELECT 1', [], { signal: controller.signal })).rejects.toThrow('aborted');
  expect(await pidOf(database)).toBe(before);
});

test('an error of the statement is thrown as it is', async () => {
  const { database } = await createTestDatabase();
  const { signal } = new AbortController();
  await expect(database.query('SELECT 1/0', [], { signal })).rejects.toMatchObject({ code: '22012' });
});

test('who gives up while the pool is exhausted keeps no connection', async () => {
  const { connectionString } = await createTestDatabase();
  const database = openPool(connectionString, { poolMax: 1 });
  const held = await database.connect();
  const controller = new AbortController();
  const waiting = database.connect({ signal: controller.signal });
  controller.abort(new Error('left'));
  await expect(waiting).rejects.toThrow('left');
  held.release();
  expect((await database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('the cancel goes by TLS where the connection does', async () => {
  const { connectionString } = await createTestDatabase();
  const { host, port, user, database: name } = new Client({ connectionString });
  const proxy = await tlsProxy(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
  const database = openPool(`postgresql://${user}@localhost:${proxy.port}/${name}?sslmode=no-verify`);
  const controller = new AbortController();
  const work = database.query(SLEEP, [], { signal: controller.signal });
  const [ended] = await Promise.allSettled([work, abortOnceRunning(connectionString, controller)]);
  expect(ended).toMatchObject({ status: 'rejected', reason: { message: 'left' } });
  expect(await running(connectionString)).toEqual([]);
  expect(proxy.cancels()).toBe(1);
});
