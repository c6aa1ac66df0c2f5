import { createServer, type Socket } from 'node:net';
import { silentLogger, systemClock } from '@reactor/core';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test, vi } from 'vitest';
import { recordingLogger } from '../../testing/src/recording-logger.js';
import { samplesOf, valueOfFamily } from '../../testing/src/samples.js';
import { adminConnectionString, createTestDatabase } from '../../testing/src/test-database.js';
import { DatabaseUnreachableError, openDatabase } from '../src/index.js';
import { openPool } from './support/servers.js';

/** Accepts connections and never says a word, as a frozen PostgreSQL does. */
async function silentServer(): Promise<{
  readonly url: string;
  readonly sockets: Set<Socket>;
  accepted: () => number;
}> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const listener = createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.resume();
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => listener.close(resolve));
  });
  const { port } = listener.address() as { port: number };
  return { url: `postgresql://user:hidden@127.0.0.1:${port}/db`, sockets, accepted: () => accepted };
}

test('answers rows and how many a write changed', async () => {
  const { database } = await createTestDatabase();
  await database.query('CREATE TABLE numbers (n int)');
  expect((await database.query('INSERT INTO numbers SELECT generate_series(1, $1)', [3])).rowCount).toBe(3);
  expect(await database.query<{ n: number }>('SELECT n FROM numbers WHERE n > $1 ORDER BY n', [1])).toEqual({
    rows: [{ n: 2 }, { n: 3 }],
    rowCount: 2,
  });
  expect(await database.query('SELECT 1 AS a; SELECT 2 AS b')).toEqual({ rows: [{ b: 2 }], rowCount: 1 });
});

test('SQL errors keep their SQLSTATE', async () => {
  const { database } = await createTestDatabase();
  await expect(database.query('SELECT * FROM nowhere')).rejects.toMatchObject({ code: '42P01' });
});

test('a transaction commits what resolved and rolls back what rejected', async () => {
  const { database } = await createTestDatabase();
  await database.query('CREATE TABLE notes (text text)');
  expect(await database.transaction(async (tx) => (await tx.query("INSERT INTO notes VALUES ('kept')")).rowCount)).toBe(
    1,
  );
  await expect(
    database.transaction(async (tx) => {
      await tx.query("INSERT INTO notes VALUES ('lost')");
      throw new Error('changed my mind');
    }),
  ).rejects.toThrow('changed my mind');
  expect((await database.query('SELECT text FROM notes')).rows).toEqual([{ text: 'kept' }]);
});

test('a transaction whose failed statement was swallowed does not pass as committed', async () => {
  const { database } = await createTestDatabase();
  await expect(
    database.transaction(async (tx) => {
      await tx.query('SELECT * FROM nowhere').catch(() => {});
    }),
  ).rejects.toThrow('was rolled back');
});

test('a query after the end of its transaction is refused', async () => {
  const { database } = await createTestDatabase();
  const leaked = await database.transaction(async (tx) => tx);
  await expect(leaked.query('SELECT 1')).rejects.toThrow('the transaction has ended');
});

test('a connection given back with an open transaction is not handed on', async () => {
  const { connectionString } = await createTestDatabase();
  const database = openPool(connectionString, { poolMax: 1 });
  const connection = await database.connect();
  await connection.query('BEGIN; CREATE TABLE half ();');
  connection.release();
  connection.release();
  await expect(connection.query('SELECT 1')).rejects.toThrow('given back');
  expect((await database.query("SELECT to_regclass('half') AS found")).rows).toEqual([{ found: null }]);
});

test('an exhausted pool gives up in time, and its metrics show it', async () => {
  const { connectionString } = await createTestDatabase();
  const database = openPool(connectionString, { poolMax: 2, acquireTimeoutMs: 60 });
  const families = database.metrics;
  const held = [await database.connect(), await database.connect()];
  expect(await valueOfFamily(families, 'reactor_db_pool_max')).toBe(2);
  expect(await valueOfFamily(families, 'reactor_db_pool_size')).toBe(2);
  expect(await valueOfFamily(families, 'reactor_db_pool_idle')).toBe(0);
  expect(await valueOfFamily(families, 'reactor_db_connections_opened_total')).toBe(2);
  const before = await samplesOf(families, 'reactor_db_acquire_duration_seconds');

  const waiting = database.query('SELECT 1');
  expect(await valueOfFamily(families, 'reactor_db_pool_waiting')).toBe(1);
  await expect(waiting).rejects.toMatchObject({
    code: 'database_unavailable',
    status: 503,
    message: 'No database connection came free within 60 ms.',
    headers: { 'Retry-After': '1' },
  });
  expect(await valueOfFamily(families, 'reactor_db_pool_waiting')).toBe(0);
  expect(await valueOfFamily(families, 'reactor_db_acquire_timeouts_total')).toBe(1);
  const after = await samplesOf(families, 'reactor_db_acquire_duration_seconds');
  const grown = (le: string) => {
    const name = `reactor_db_acquire_duration_seconds_bucket{le="${le}",pool="system"}`;
    return (after[name] as number) - (before[name] as number);
  };
  expect([grown('0.05'), grown('5'), grown('+Inf')]).toEqual([0, 1, 1]);

  held[0]?.release();
  expect(await valueOfFamily(families, 'reactor_db_pool_idle')).toBe(1);
  await database.query('SELECT 1');
  held[1]?.release();
});

test('the families fit several registries, and refuse a taken name', async () => {
  const { connectionString } = await createTestDatabase();
  const database = openPool(connectionString);
  const registries = [new Registry(), new Registry()];
  for (const registry of registries) {
    database.metrics.register(registry);
    database.metrics.register(registry);
    expect(await registry.metrics()).toContain('reactor_db_up{pool="system"} 1');
  }
  expect(() => openPool(connectionString).metrics.register(registries[0] as Registry)).toThrow('reactor_db_up');
});

test('ping tells the version and leaves no connection', async () => {
  const { connectionString, database } = await createTestDatabase();
  const pinged = openPool(connectionString);
  expect((await pinged.ping(AbortSignal.timeout(2_000))).version).toMatch(/^1[5-9]/);
  expect(await valueOfFamily(pinged.metrics, 'reactor_db_pool_size')).toBe(0);
  await vi.waitFor(async () => {
    const { rows } = await database.query(
      'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    expect(rows).toEqual([]);
  });
});

test('pings at the same time share one connection, and each keeps to its own signal', async () => {
  const { url, sockets, accepted } = await silentServer();
  const database = openPool(url);
  const patient = new AbortController();
  const hasty = database.ping(AbortSignal.timeout(50));
  const lasting = database.ping(patient.signal);
  const settled = vi.fn();
  lasting.catch(settled);
  await expect(hasty).rejects.toMatchObject({ code: 'database_unavailable', status: 503 });
  expect(settled).not.toHaveBeenCalled();
  expect(accepted()).toBe(1);
  expect(sockets.size).toBe(1);

  patient.abort();
  await expect(lasting).rejects.toMatchObject({ code: 'database_unavailable' });
  await vi.waitFor(() => expect(sockets.size).toBe(0));
  await expect(database.ping(AbortSignal.abort())).rejects.toMatchObject({ code: 'database_unavailable' });
  expect(accepted()).toBe(1);
});

test('a server that never answers costs a checkout its timeout, and reactor_db_up says 0', async () => {
  const { url, sockets } = await silentServer();
  const database = openPool(url, { acquireTimeoutMs: 60 });
  await expect(database.query('SELECT 1')).rejects.toMatchObject({ code: 'database_unavailable' });
  expect(await valueOfFamily(database.metrics, 'reactor_db_acquire_timeouts_total')).toBe(1);
  expect(await valueOfFamily(database.metrics, 'reactor_db_up')).toBe(0);
  await vi.waitFor(() => expect(sockets.size).toBe(0));
  expect(await valueOfFamily(database.metrics, 'reactor_db_pool_size')).toBe(0);
});

test('a connection cut while idle, in use or between statements ends no process, and is replaced', async () => {
  const { connectionString, database: admin } = await createTestDatabase();
  const { logger, lines } = recordingLogger();
  const database = openPool(connectionString, { logger });
  const cutAll = () =>
    admin.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
  await database.query('SELECT 1');
  await cutAll();
  await vi.waitFor(async () => expect(await valueOfFamily(database.metrics, 'reactor_db_pool_size')).toBe(0));

  const held = await database.connect();
  await cutAll();
  await vi.waitFor(async () =>
    expect(await valueOfFamily(database.metrics, 'reactor_db_connections_lost_total')).toBe(2),
  );
  await expect(held.query('SELECT 1')).rejects.toMatchObject({ code: 'database_unavailable' });
  held.release();

  const sleeping = database.query('SELECT pg_sleep(60)');
  const cut = sleeping.catch((error: unknown) => error);
  await vi.waitFor(async () => {
    const { rows } = await admin.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'");
    expect(rows).toHaveLength(1);
  });
  await cutAll();
  expect(await cut).toMatchObject({ code: 'database_unavailable', status: 503 });

  expect((await database.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  expect(await valueOfFamily(database.metrics, 'reactor_db_connections_opened_total')).toBe(4);
  expect(lines.filter(({ message }) => message === 'database connection lost')).toHaveLength(3);
});

test('close ends every connection, waits for those in use, and refuses later work', async () => {
  const { connectionString, database: admin } = await createTestDatabase();
  const database = openPool(connectionString);
  const slow = database.query('SELECT pg_sleep(0.2), 1 AS one');
  await database.query('SELECT 1');
  await Promise.all([database.close(), database.close()]);
  expect((await slow).rows).toMatchObject([{ one: 1 }]);
  await expect(database.query('SELECT 1')).rejects.toMatchObject({ code: 'database_unavailable' });
  const { rows } = await admin.query(
    'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  expect(rows).toEqual([]);
});

test('describe shows where, not the password', () => {
  const describe = (url: string) => openPool(url).describe();
  expect(describe('postgresql://me:se%20cret@db.example:6432/app?sslmode=disable')).toBe(
    'postgresql://me@db.example:6432/app',
  );
  expect(describe('postgres://me@/app?host=/run/postgresql')).toBe('postgresql://me@/app?host=/run/postgresql');
});

test.each(['mysql://me:hidden@host/db', 'hidden', 'postgresql://me:hidden@host:port/db'])(
  'refuses the connection string %s without repeating it',
  (url) => {
    const open = () => openDatabase({ connectionString: url, logger: silentLogger, clock: systemClock });
    expect(open).toThrow('postgresql://user:password@host:port/database');
    expect(open).not.toThrow('hidden');
  },
);

test('waiting for a database that cannot be reached ends with the signal and says where and why', async () => {
  const { logger, lines } = recordingLogger();
  const database = openPool('postgresql://me:hidden@127.0.0.1:1/app', { logger });
  const failure = await database.waitUntilReady(AbortSignal.timeout(200)).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(DatabaseUnreachableError);
  expect((failure as Error).message).toMatch(/^cannot connect to postgresql:\/\/me@127.0.0.1:1\/app: .*ECONNREFUSED/);
  expect(lines).toMatchObject([{ level: 'info', message: 'waiting for the database' }]);
});

test('what waiting does not mend fails at once', async () => {
  const url = adminConnectionString().replace(/^([a-z]+:\/\/[^/?]*)(\/[^?]*)?/, '$1/no_such_database');
  const never = new AbortController().signal;
  await expect(openPool(url).waitUntilReady(never)).rejects.toThrow('database "no_such_database" does not exist');
});
