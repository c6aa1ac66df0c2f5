import { createHash } from 'node:crypto';
import type { Migration, Queryable, QueryOptions } from '@reactor/core';

/** A migration as the database remembers it. */
export interface AppliedMigration {
  readonly owner: string;
  readonly id: string;
  /** Lower-case hex SHA-256 of the SQL. */
  readonly checksum: string;
  readonly appliedAt: Date;
}

/**
 * Serialises runners on one database. `pg_advisory_xact_lock` and not the session kind: it ends with its transaction,
 * also behind a transaction pooler. The number is arbitrary and must stay.
 */
const LOCK_ID = '7021764801939205';

export function checksumOf({ sql }: Migration): string {
  return createHash('sha256').update(sql).digest('hex');
}

/**
 * Waits until no other runner is inside a transaction that has called this. Its migration takes as long as it takes, and so
 * does what comes after it here: the timeout for requests, which a URL may set, is lifted for the transaction.
 */
export async function lockMigrations(transaction: Queryable): Promise<void> {
  await transaction.query(`SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(${LOCK_ID})`);
}

/** Call it under the lock: `IF NOT EXISTS` does not keep two creators from colliding. */
export async function createHistory(transaction: Queryable): Promise<void> {
  await transaction.query('CREATE SCHEMA IF NOT EXISTS reactor');
  await transaction.query(`CREATE TABLE IF NOT EXISTS reactor.migrations (
    owner text NOT NULL,
    id text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, id)
  )`);
}

/** Everything that was applied, by any server; empty on a database that has never been migrated. */
export async function readHistory(database: Queryable, options?: QueryOptions): Promise<readonly AppliedMigration[]> {
  const { rows: found } = await database.query<{ exists: boolean }>(
    "SELECT to_regclass('reactor.migrations') IS NOT NULL AS exists",
    [],
    options,
  );
  if (found[0]?.exists !== true) return [];
  const { rows } = await database.query<AppliedMigration>(
    'SELECT owner, id, checksum, applied_at AS "appliedAt" FROM reactor.migrations ORDER BY owner, id',
    [],
    options,
  );
  return rows;
}

export async function recordApplied(transaction: Queryable, owner: string, migration: Migration): Promise<void> {
  await transaction.query('INSERT INTO reactor.migrations (owner, id, checksum) VALUES ($1, $2, $3)', [
    owner,
    migration.id,
    checksumOf(migration),
  ]);
}
