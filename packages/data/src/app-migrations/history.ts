import { createHash } from 'node:crypto';
import type { Events, Queryable, QueryOptions } from '@reactor/core';
import { dataErrors } from '../errors.js';
import { SCHEMA_SUBJECT } from '../schema/schema-cache.js';
import { withoutExtension } from './check.js';
import type { AppMigration } from './files.js';

/** Names of migrations, in the order in which they run. */
export interface MigrationNames {
  readonly applied: readonly { readonly name: string; readonly appliedAt: Date }[];
  readonly pending: readonly string[];
  /** Applied with another text than they have now. */
  readonly changed: readonly string[];
  /** Applied, and not among those asked about. */
  readonly unknown: readonly string[];
}

interface HistoryRow {
  readonly name: string;
  readonly checksum: string;
  readonly applied_at: Date;
}

export async function readHistory(database: Queryable, options?: QueryOptions): Promise<readonly HistoryRow[]> {
  const { rows } = await database.query<HistoryRow>(
    'SELECT name, checksum, applied_at FROM reactor_data.app_migrations ORDER BY name',
    [],
    options,
  );
  // The first release kept names with .sql where they were sent so.
  return rows.map((row) => ({ ...row, name: withoutExtension(row.name) }));
}

export function compare(migrations: readonly AppMigration[], history: readonly HistoryRow[]): MigrationNames {
  const applied = new Map(history.map((row) => [row.name, row]));
  const known = new Set(migrations.map(({ name }) => name));
  return {
    applied: migrations.flatMap(({ name }) => {
      const row = applied.get(name);
      return row === undefined ? [] : [{ name, appliedAt: row.applied_at }];
    }),
    pending: migrations.filter(({ name }) => !applied.has(name)).map(({ name }) => name),
    changed: migrations
      .filter((migration) => {
        const row = applied.get(migration.name);
        return row !== undefined && row.checksum !== checksumOf(migration.sql);
      })
      .map(({ name }) => name),
    unknown: history.filter(({ name }) => !known.has(name)).map(({ name }) => name),
  };
}

/** Under the lock: whether it must still run. @throws ReactorError `migration_changed` (409) */
export async function isPending(connection: Queryable, migration: AppMigration): Promise<boolean> {
  const { pending, changed } = compare([migration], await readHistory(connection));
  refuseChanged(changed);
  return pending.length > 0;
}

/** Notes that it ran. Heard when the transaction commits, by every server. */
export async function recordApplied(
  transaction: Queryable,
  events: Events,
  { name, sql }: AppMigration,
): Promise<void> {
  await transaction.query('INSERT INTO reactor_data.app_migrations (name, checksum) VALUES ($1, $2)', [
    name,
    checksumOf(sql),
  ]);
  await events.publish(SCHEMA_SUBJECT, '', transaction);
}

/** @throws ReactorError `migration_changed` (409) */
export function refuseChanged(changed: readonly string[]): void {
  if (changed.length === 0) return;
  throw dataErrors.create.migration_changed(
    `Changed after being applied: ${changed.join(', ')}. Put the files back as they were, and write the change as a new migration.`,
  );
}

export function checksumOf(sql: string): string {
  return createHash('sha256').update(sql).digest('hex');
}
