import { randomBytes } from 'node:crypto';
import { findLockedTables, findLockWaits, silentLogger } from '@reactor/core';
import { Client } from 'pg';
import { expect, onTestFinished, test, vi } from 'vitest';
import { recordingLogger } from '../../testing/src/recording-logger.js';
import { valueOfFamily } from '../../testing/src/samples.js';
import { adminConnectionString, createTestDatabase } from '../../testing/src/test-database.js';
import { type MigrationSet, migrate, migrationsProbe } from '../src/index.js';
import { openPool, runSql } from './support/servers.js';

/** A client of the test that has run `sql` and does nothing more. */
async function holding(connectionString: string, sql: string) {
  const client = new Client({ connectionString, application_name: 'psql' });
  await client.connect();
  client.on('error', () => {});
  onTestFinished(() => client.end());
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await client.query(sql);
  return { client, pid: rows[0]?.pid as number };
}

const LOCK = "BEGIN; LOCK TABLE orders; SELECT 'secret' FROM orders";
const ADD: MigrationSet = {
  owner: 'app',
  migrations: [{ id: '0001_add', sql: 'CREATE TABLE other ();\nALTER TABLE orders ADD COLUMN n int;' }],
};

test('who waits is found with who holds the lock in the end, and counted by a scrape', async () => {
  const { connectionString, database } = await createTestDatabase();
  await database.query('CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1)');
  expect(await findLockWaits(database)).toEqual([]);
  expect(await valueOfFamily(database.metrics, 'reactor_db_blocked_sessions')).toBe(0);

  const { client, pid } = await holding(connectionString, LOCK);
  // The second waits behind the first.
  const waiting = [database.query('ALTER TABLE orders ADD n int'), database.query('SELECT FROM orders')];
  const holder = {
    pid,
    application: 'psql',
    state: 'idle in transaction',
    ageSeconds: expect.any(Number),
    query: 'BEGIN; LOCK TABLE orders; SELECT ? FROM orders',
  };
  await vi.waitFor(async () => {
    const wait = { what: 'orders', holders: [holder] };
    expect(await findLockWaits(database)).toMatchObject([wait, wait]);
  });
  expect(await findLockedTables(database, { lockedSeconds: 0 })).toEqual([{ what: 'orders', isWhole: true, holder }]);
  expect(await findLockedTables(database, { lockedSeconds: 60 })).toEqual([]);
  expect(await valueOfFamily(database.metrics, 'reactor_db_blocked_sessions')).toBe(2);
  await client.query('ROLLBACK');
  await Promise.all(waiting);

  await client.query('BEGIN; UPDATE orders SET id = 2');
  const update = database.query('UPDATE orders SET id = 3');
  await vi.waitFor(async () => {
    expect(await findLockWaits(database)).toMatchObject([{ what: 'a row of orders', holders: [{ pid }] }]);
  });
  await client.query('ROLLBACK');
  await update;
  expect(await valueOfFamily(database.metrics, 'reactor_db_blocked_sessions')).toBe(0);
});

test('a login that sees nothing of other sessions still learns their pids', async () => {
  const { connectionString, database } = await createTestDatabase();
  const login = `test_login_${randomBytes(4).toString('hex')}`;
  await database.query(`CREATE TABLE orders (id int); CREATE ROLE ${login} LOGIN; GRANT SELECT ON orders TO ${login}`);
  onTestFinished(() => runSql(adminConnectionString(), `DROP ROLE ${login}`));
  onTestFinished(() => database.query(`DROP OWNED BY ${login}`).then(() => {}));
  const { pid } = await holding(connectionString, LOCK);
  const plain = openPool(connectionString.replace(/\/\/[^@]*@/, `//${login}@`));
  const read = plain.query('SELECT FROM orders', [], { signal: AbortSignal.timeout(2_000) }).catch(() => {});
  const holder = { pid, application: 'psql' };
  await vi.waitFor(async () =>
    expect(await findLockWaits(plain)).toMatchObject([{ what: 'orders', holders: [holder] }]),
  );
  expect(await findLockedTables(plain, { lockedSeconds: 3 })).toEqual([{ what: 'orders', isWhole: true, holder }]);
  await read;
});

test('a migration lets others pass while it waits, and is applied once the lock is free', async () => {
  const { connectionString, database } = await createTestDatabase();
  await database.query('CREATE TABLE orders (id int)');
  const { client } = await holding(connectionString, 'BEGIN; SELECT FROM orders');
  const { logger, lines } = recordingLogger();
  const migrated = migrate(database, [ADD], { logger, patience: { lockTimeoutMs: 100, totalMs: 30_000 } });
  // Who looks from another connection does not see each short wait.
  const reason = expect.stringMatching(/^orders is locked by pid \d+ \(psql, idle in tr/);
  const fields = expect.objectContaining({ id: '0001_add', reason });
  const line = expect.objectContaining({ message: 'migration waits for a lock', fields });
  await vi.waitFor(() => expect(lines).toContainEqual(line), { timeout: 10_000 });
  // Behind a migration that waited for good, this would too.
  await database.query('SELECT FROM orders', [], { signal: AbortSignal.timeout(2_000) });
  await client.query('ROLLBACK');
  expect((await migrated).applied).toHaveLength(1);
});

test('a migration that gets no lock names who holds it, and keeps nothing', async () => {
  const { connectionString, database } = await createTestDatabase();
  await database.query('CREATE TABLE orders (id int)');
  const { pid } = await holding(connectionString, LOCK);
  const failed = migrate(database, [ADD], {
    logger: silentLogger,
    patience: { lockTimeoutMs: 100, totalMs: 500 },
  });
  await expect(failed).rejects.toMatchObject({
    sqlState: '55P03',
    message: expect.stringMatching(
      new RegExp(
        `^migration app/0001_add failed: orders is locked by pid ${pid} \\(psql, idle in transaction, \\d s\\); ` +
          `its query: BEGIN; LOCK TABLE orders; SELECT \\? FROM orders\\. .*select pg_terminate_backend\\(${pid}\\)`,
      ),
    ),
  });
  expect((await database.query("SELECT to_regclass('other') AS other")).rows).toEqual([{ other: null }]);
});

test('the probe gives up on the server too, and says who is in its way', async () => {
  const { connectionString, database } = await createTestDatabase();
  await migrate(database, [{ owner: 'app', migrations: [] }], { logger: silentLogger });
  await database.query('CREATE TABLE orders (id int)');
  await migrate(database, [ADD], { logger: silentLogger });
  await holding(connectionString, 'BEGIN; LOCK TABLE reactor.migrations');
  const probe = migrationsProbe(database, [ADD]);
  expect(await probe.run(AbortSignal.timeout(probe.timeoutMs))).toMatchObject({
    status: 'fail',
    code: 'database_locked',
    message: expect.stringMatching(/^No answer: reactor\.migrations is locked by pid \d+ \(psql, idle in transaction/),
    remedy: expect.stringContaining('select pg_terminate_backend('),
  });
  expect(await findLockWaits(database)).toEqual([]);
  await expect(probe.run(AbortSignal.timeout(100))).rejects.toMatchObject({ name: 'TimeoutError' });
  expect(await findLockWaits(database)).toEqual([]);
});
