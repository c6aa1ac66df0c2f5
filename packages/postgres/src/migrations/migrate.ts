import {
  type Database,
  type DatabaseConnection,
  describeHolders,
  describeHoldersWithQuery,
  endHolders,
  isLockFailure,
  type LockPatience,
  LockWatch,
  type Logger,
  type Migration,
  migrationPatience,
  retryWhileLocked,
  SQLSTATE,
} from '@reactor/core';
import { escapeIdentifier } from 'pg';
import { createPayloads } from '../events/payloads.js';
import { ChangedMigrationError, MigrationFailedError } from './errors.js';
import { checkSets, compare, type MigrationName, type MigrationSet, nameOf } from './status.js';
import { createHistory, lockMigrations, readHistory, recordApplied } from './store.js';

export interface MigrateResult {
  /** What this call applied, in order; empty when nothing was pending. */
  readonly applied: readonly MigrationName[];
}

export interface MigrateOptions {
  readonly logger: Logger;
  /** How long a migration waits for locks of others. */
  readonly patience?: LockPatience;
}

/**
 * Applies what is pending, set after set, each migration in a transaction of its own together with the note that it
 * was applied. Of several servers that start at once, one applies each migration and the others wait for it.
 * @throws ChangedMigrationError before anything is applied, when the text of an applied migration differs
 * A migration that gets no lock within a second is undone and tried again, so that nobody waits behind it for long.
 * @throws MigrationFailedError naming the migration and the SQL error, or who holds the lock; what came before it stays
 *   applied
 */
export async function migrate(
  database: Database,
  sets: readonly MigrationSet[],
  options: MigrateOptions,
): Promise<MigrateResult> {
  checkSets(sets);
  const { logger } = options;
  const status = compare(await readHistory(database), sets);
  refuseChanged(status.changed);
  if (status.unknown.length > 0) {
    logger.warn('the database has migrations that this release does not know', {
      migrations: status.unknown.map(nameOf),
    });
  }
  if (status.pending.length === 0) return { applied: [] };
  await prepare(database, sets);
  const pending = new Set(status.pending.map(nameOf));
  const applied: MigrationName[] = [];
  for (const set of sets) {
    for (const migration of set.migrations) {
      const name = { owner: set.owner, id: migration.id };
      if (!pending.has(nameOf(name)) || !(await applyWhenFree(database, set, migration, options))) continue;
      applied.push(name);
      logger.info('migration applied', name);
    }
  }
  return { applied };
}

async function prepare(database: Database, sets: readonly MigrationSet[]): Promise<void> {
  await database.transaction(async (transaction) => {
    await lockMigrations(transaction);
    await createPayloads(transaction);
    await createHistory(transaction);
    for (const { schema } of sets) {
      if (schema !== undefined) await transaction.query(`CREATE SCHEMA IF NOT EXISTS ${escapeIdentifier(schema)}`);
    }
  });
}

/** @returns false when another server was quicker */
async function applyWhenFree(
  database: Database,
  set: MigrationSet,
  migration: Migration,
  { logger, patience = migrationPatience }: MigrateOptions,
): Promise<boolean> {
  const name = { owner: set.owner, id: migration.id };
  const watch = new LockWatch(database, patience.lockTimeoutMs);
  const attempt = () => apply(database, set, migration, { lockTimeoutMs: patience.lockTimeoutMs, watch });
  const about = () =>
    watch.last === undefined ? {} : { reason: describeHolders(watch.last.what, watch.last.holders) };
  try {
    return await retryWhileLocked(patience, attempt, () => {
      logger.warn('migration waits for a lock', { ...name, ...about() });
    });
  } catch (error) {
    if (!isLockFailure(error) || watch.last === undefined) throw error;
    const problem = `${describeHoldersWithQuery(watch.last)}. ${endHolders(watch.last.holders)}`;
    throw new MigrationFailedError(name, problem, { cause: error, sqlState: SQLSTATE.lockNotAvailable });
  }
}

interface Locking {
  readonly lockTimeoutMs: number;
  readonly watch: LockWatch;
}

/** @returns false when another server was quicker */
async function apply(database: Database, set: MigrationSet, migration: Migration, locking: Locking): Promise<boolean> {
  const connection = await database.connect();
  try {
    await connection.query('BEGIN');
    await lockMigrations(connection);
    const { applied, changed } = compare(await readHistory(connection), [{ ...set, migrations: [migration] }]);
    refuseChanged(changed);
    const isPending = applied.length === 0;
    if (isPending) {
      await execute(connection, set, migration, locking);
      await recordApplied(connection, set.owner, migration);
    }
    await connection.query('COMMIT');
    return isPending;
  } finally {
    // Closed and not given back: it ends a failed transaction, and what a migration SETs must not leak into requests.
    connection.release(true);
  }
}

async function execute(
  connection: DatabaseConnection,
  { owner, schema }: MigrationSet,
  migration: Migration,
  { lockTimeoutMs, watch }: Locking,
): Promise<void> {
  const name = nameOf({ owner, id: migration.id });
  await connection.query(`SET LOCAL lock_timeout = ${lockTimeoutMs}`);
  if (schema !== undefined) await connection.query(`SET LOCAL search_path = ${escapeIdentifier(schema)}`);
  await connection.query("SELECT set_config('reactor.migration', $1, true)", [name]);
  try {
    const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await watch.during(rows[0]?.pid ?? 0, () => connection.query(migration.sql));
  } catch (cause) {
    throw MigrationFailedError.fromSqlError({ owner, id: migration.id }, migration.sql, cause);
  }
  // The marker lives as long as our transaction: when it is gone, the file has committed by itself.
  const { rows } = await connection.query<{ marker: string | null }>(
    "SELECT current_setting('reactor.migration', true) AS marker",
  );
  if (rows[0]?.marker !== name) {
    throw new MigrationFailedError(
      { owner, id: migration.id },
      'it contains COMMIT or ROLLBACK, but each migration runs inside a transaction; remove them',
    );
  }
}

function refuseChanged(changed: readonly MigrationName[]): void {
  if (changed.length > 0) throw new ChangedMigrationError(changed);
}
