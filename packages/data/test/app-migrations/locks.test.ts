import { findLockWaits, silentLogger, systemClock } from '@reactor/core';
import { openDatabase } from '@reactor/postgres';
import { expect, onTestFinished, test, vi } from 'vitest';
import { AppMigrations } from '../../src/index.js';
import { databaseWith } from '../support/database.js';

async function setUp(patience: { lockTimeoutMs: number; totalMs: number }) {
  const { database, connectionString } = await databaseWith(
    'CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)',
  );
  const other = openDatabase({ connectionString, logger: silentLogger, clock: systemClock });
  onTestFinished(() => other.close());
  const holder = await other.connect();
  onTestFinished(() => holder.release(true));
  await holder.query("SET application_name = 'psql'");
  await holder.query("BEGIN; SELECT id FROM orders WHERE id <> 42 AND 'secret' <> ''");
  const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const migrations = new AppMigrations({ database, logger: silentLogger, onApplied: () => {}, patience });
  return { database, other, holder, migrations, pid: rows[0]?.pid };
}

const FILE = { name: '002_b', sql: 'CREATE TABLE b ();\nALTER TABLE orders ADD COLUMN n int' };

test('a migration behind an open SELECT lets reads pass, and runs when the table is free', async () => {
  const { other, holder, migrations } = await setUp({ lockTimeoutMs: 100, totalMs: 30_000 });
  const applied = migrations.apply([FILE]);
  await vi.waitFor(async () => expect(await findLockWaits(other)).toHaveLength(1), { timeout: 5_000, interval: 10 });
  // It would wait for as long as the migration does.
  expect((await other.query('SELECT id FROM orders', [], { signal: AbortSignal.timeout(2_000) })).rowCount).toBe(1);
  await holder.query('ROLLBACK');
  expect(await applied).toEqual({ applied: ['002_b'] });
});

test.each(['apply', 'dryRun'] as const)('%s names pid, age and query of who holds the lock', async (method) => {
  const { database, migrations, pid } = await setUp({ lockTimeoutMs: 100, totalMs: 600 });
  await expect(migrations[method]([FILE])).rejects.toMatchObject({
    code: 'migration_blocked',
    status: 503,
    message: expect.stringMatching(
      new RegExp(
        `^002_b\\.sql:2: orders is locked by pid ${pid} \\(psql, idle in transaction, \\d s\\); its query: ` +
          `(BEGIN; SELECT id FROM orders WHERE id <> \\? AND \\? <> \\?|SELECT pg_backend_pid\\(\\) AS pid)\\. ` +
          `Wait for it to end, or run in the database: select pg_terminate_backend\\(${pid}\\)$`,
      ),
    ),
    details: { file: '002_b.sql', line: 2, blocked_by: [{ pid, application: 'psql' }] },
  });
  expect((await database.query("SELECT to_regclass('b') AS b")).rows).toEqual([{ b: null }]);
});
