import { createHash } from 'node:crypto';
import {
  type Database,
  type DatabaseConnection,
  type Logger,
  type Queryable,
  type QueryOptions,
  ReactorError,
  reasonOf,
} from '@reactor/core';
import { dataErrors } from '../errors.js';
import { SCHEMA_CHANNEL } from '../schema/schema-cache.js';
import type { AppMigration } from './files.js';
import { runMigration } from './run.js';

/** Names of migrations, in the order in which they run. */
export interface AppMigrationStatus {
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

/** Letters, digits and what tells parts of a name apart; nothing that could lead out of a folder. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/**
 * One runner at a time on one database. `pg_advisory_xact_lock` and not the session kind: it ends with its transaction,
 * also behind a pooler. The number is arbitrary and must stay.
 */
const LOCK = 'SELECT pg_advisory_xact_lock(4611922903281377)';

export interface AppMigrationsOptions {
  readonly database: Database;
  readonly logger: Logger;
  readonly onApplied: () => void;
}

/** The app's own migrations of the schema `public`. */
export class AppMigrations {
  readonly #options: AppMigrationsOptions;

  constructor(options: AppMigrationsOptions) {
    this.#options = options;
  }

  /**
   * Compares `migrations` with what was applied. Changes nothing.
   * @param migrations undefined when there are none to compare with: then nothing is unknown
   */
  async status(migrations: readonly AppMigration[] | undefined, options?: QueryOptions): Promise<AppMigrationStatus> {
    const history = await readHistory(this.#options.database, options);
    if (migrations !== undefined) return compare(inOrder(migrations), history);
    const applied = history.map((row) => ({ name: row.name, appliedAt: row.applied_at }));
    return { applied, pending: [], changed: [], unknown: [] };
  }

  /**
   * Applies what is pending in the order of names, each in a transaction of its own. What came before a failing one
   * stays applied.
   * @returns names of what was applied
   * @throws ReactorError `migration_changed` (409) before anything runs, `migration_failed` (400) naming file and line
   */
  async apply(migrations: readonly AppMigration[]): Promise<{ readonly applied: readonly string[] }> {
    const { database, logger, onApplied } = this.#options;
    const ordered = inOrder(migrations);
    const { pending, changed } = compare(ordered, await readHistory(database));
    refuseChanged(changed);
    const applied: string[] = [];
    for (const migration of ordered.filter(({ name }) => pending.includes(name))) {
      const about = { migration: migration.name };
      logger.info('app migration begins', about);
      let isNew: boolean;
      try {
        isNew = await this.#transaction('COMMIT', (connection) => applyOne(connection, migration));
      } catch (error) {
        // Logged although it is thrown: who asked may have stopped waiting.
        logger.error('app migration failed', { ...about, reason: reasonFor(error) });
        throw error;
      }
      if (!isNew) continue;
      applied.push(migration.name);
      onApplied();
      logger.info('app migration applied', about);
    }
    return { applied };
  }

  /**
   * Runs everything that is pending, in one transaction that is rolled back.
   * @returns names of what would be applied
   * @throws as `apply`
   */
  async dryRun(migrations: readonly AppMigration[]): Promise<{ readonly applied: readonly string[] }> {
    const ordered = inOrder(migrations);
    return this.#transaction('ROLLBACK', async (connection) => {
      const applied: string[] = [];
      for (const migration of ordered) {
        if (await applyOne(connection, migration)) applied.push(migration.name);
      }
      return { applied };
    });
  }

  async #transaction<T>(end: 'COMMIT' | 'ROLLBACK', work: (connection: DatabaseConnection) => Promise<T>): Promise<T> {
    const connection = await this.#options.database.connect();
    try {
      await connection.query('BEGIN');
      await connection.query(LOCK);
      const result = await work(connection);
      await connection.query(end);
      return result;
    } finally {
      // Closed and not given back: it ends a failed transaction, and what a file SETs must not leak into requests.
      connection.release(true);
    }
  }
}

/** What the caller is told names file and line; what lies behind it does not. */
function reasonFor(error: unknown): string {
  return error instanceof ReactorError ? error.message : reasonOf(error);
}

/** @returns false when another server was quicker */
async function applyOne(connection: Queryable, migration: AppMigration): Promise<boolean> {
  const { pending, changed } = compare([migration], await readHistory(connection));
  refuseChanged(changed);
  if (pending.length === 0) return false;
  await runMigration(connection, migration);
  await connection.query('INSERT INTO reactor_data.app_migrations (name, checksum) VALUES ($1, $2)', [
    migration.name,
    checksumOf(migration),
  ]);
  // Heard when the transaction commits, by every server.
  await connection.query(`NOTIFY ${SCHEMA_CHANNEL}, 'migration'`);
  return true;
}

/** In the byte order of their names. @throws ReactorError `migration_failed` (400) for a name that cannot be one */
function inOrder(migrations: readonly AppMigration[]): readonly AppMigration[] {
  const names = new Set<string>();
  for (const { name } of migrations) {
    if (!NAME.test(name)) {
      throw dataErrors.create.migration_failed(
        `${JSON.stringify(name)} is no name of a migration: 1 to 200 characters A-Z a-z 0-9 . _ -, the first a letter or digit.`,
      );
    }
    if (names.has(name)) throw dataErrors.create.migration_failed(`Two migrations are called ${name}.`);
    names.add(name);
  }
  return [...migrations].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function compare(migrations: readonly AppMigration[], history: readonly HistoryRow[]): AppMigrationStatus {
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
        return row !== undefined && row.checksum !== checksumOf(migration);
      })
      .map(({ name }) => name),
    unknown: history.filter(({ name }) => !known.has(name)).map(({ name }) => name),
  };
}

async function readHistory(database: Queryable, options?: QueryOptions): Promise<readonly HistoryRow[]> {
  const { rows } = await database.query<HistoryRow>(
    'SELECT name, checksum, applied_at FROM reactor_data.app_migrations ORDER BY name',
    [],
    options,
  );
  return rows;
}

function checksumOf({ sql }: AppMigration): string {
  return createHash('sha256').update(sql).digest('hex');
}

function refuseChanged(changed: readonly string[]): void {
  if (changed.length === 0) return;
  throw dataErrors.create.migration_changed(
    `Changed after being applied: ${changed.join(', ')}. Put the files back as they were, and write the change as a new migration.`,
  );
}
