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
  migrationPatience,
  type QueryOptions,
  ReactorError,
  reasonOf,
  retryWhileLocked,
} from '@reactor/core';
import { dataErrors } from '../errors.js';
import { Grants } from '../grants/grants.js';
import { migrationWarnings } from '../policies/warnings.js';
import { assertRunnable, inOrder, runsAlone } from './check.js';
import type { AppMigration } from './files.js';
import { compare, isPending, readHistory, recordApplied, refuseChanged } from './history.js';
import { runMigration } from './run.js';
import { assertSession, forgetSteps, runAlone } from './run-alone.js';
import { type AppMigrationStatus, lookAtPending } from './status.js';

/**
 * One runner at a time on one database. The kind that ends with its transaction holds also behind a pooler; a file
 * without one takes the same lock for its session. The number is arbitrary and must stay.
 */
const LOCK_ID = '4611922903281377';

/** What a trial says. */
export interface DryRun {
  /** Names of what ran and was undone. */
  readonly applied: readonly string[];
  /** What cannot be tried: a file without a transaction cannot be undone, and what comes after it may need it. */
  readonly untried: readonly string[];
}

export interface AppMigrationsOptions {
  readonly database: Database;
  /** Where a connection is a session of PostgreSQL, past a pooler. Default `database`. */
  readonly sessions?: Database;
  readonly logger: Logger;
  readonly onApplied: () => void;
  /** Default: those without `anonymousFunctions`. */
  readonly grants?: Grants;
  /** How long a file waits for locks of others. */
  readonly patience?: LockPatience;
}

/** The app's own migrations of the schema `public`. */
export class AppMigrations {
  readonly #options: AppMigrationsOptions;
  readonly #patience: LockPatience;
  readonly #grants: Grants;

  constructor(options: AppMigrationsOptions) {
    this.#options = options;
    this.#patience = options.patience ?? migrationPatience;
    this.#grants = options.grants ?? new Grants({ ...options, anonymousFunctions: false });
  }

  /**
   * Compares `migrations` with what was applied. Changes nothing.
   * @param migrations undefined when there are none to compare with: then nothing is unknown
   */
  async status(migrations: readonly AppMigration[] | undefined, options?: QueryOptions): Promise<AppMigrationStatus> {
    const { database } = this.#options;
    const history = await readHistory(database, options);
    if (migrations === undefined) {
      const applied = history.map((row) => ({ name: row.name, appliedAt: row.applied_at }));
      return { applied, pending: [], changed: [], unknown: [], refused: [], partial: [] };
    }
    const names = compare(inOrder(migrations), history);
    const pending = inOrder(migrations).filter(({ name }) => names.pending.includes(name));
    return { ...names, ...(await lookAtPending(database, pending, options)) };
  }

  /**
   * Applies what is pending in the order of names, each in a transaction of its own, unless it asks for none. What came
   * before a failing one stays applied. One that gets no lock within a second is undone and tried again, so that nobody
   * waits behind it for long.
   * @returns names of what was applied
   * @throws ReactorError before anything runs: `migration_changed` (409), `migration_failed` (400) for a file that no
   *   runner would take; then `migration_failed` naming file and line, `migration_blocked` (503) naming who holds a lock
   */
  async apply(migrations: readonly AppMigration[]): Promise<{ readonly applied: readonly string[] }> {
    const { database, logger, onApplied } = this.#options;
    const pending = await pendingOf(database, migrations);
    const applied: string[] = [];
    for (const migration of pending) {
      const about = { migration: migration.name };
      logger.info('app migration begins', about);
      let isNew: boolean;
      try {
        isNew = await this.#explained(migration, (locks) =>
          runsAlone(migration) ? this.#applyAlone(migration, locks) : this.#applyWhenFree(migration, locks),
        );
      } catch (error) {
        // Logged although it is thrown: the caller may have stopped waiting.
        logger.error('app migration failed', { ...about, reason: reasonFor(error) });
        throw error;
      }
      if (!isNew) continue;
      applied.push(migration.name);
      onApplied();
      logger.info('app migration applied', about);
      for (const { file, line, message } of migrationWarnings(migration)) {
        logger.warn('app migration has a slow policy', { file, line, reason: message });
      }
    }
    return { applied };
  }

  /**
   * Runs what is pending up to the first file without a transaction, in one transaction that is rolled back.
   * @throws as `apply`
   */
  async dryRun(migrations: readonly AppMigration[]): Promise<DryRun> {
    const pending = await pendingOf(this.#options.database, migrations);
    const end = pending.findIndex(runsAlone);
    const tried = end < 0 ? pending : pending.slice(0, end);
    let current = tried[0];
    const attempt = (locks: LockWatch) =>
      this.#transaction('ROLLBACK', locks, async (connection) => {
        const applied: string[] = [];
        for (const migration of tried) {
          current = migration;
          if (await this.#applyOne(connection, migration)) applied.push(migration.name);
        }
        return applied;
      });
    const untried = pending.slice(tried.length).map(({ name }) => name);
    if (current === undefined) return { applied: [], untried };
    const applied = await this.#explained(
      () => current as AppMigration,
      (locks) => retryWhileLocked(this.#patience, () => attempt(locks)),
    );
    return { applied, untried };
  }

  #applyWhenFree(migration: AppMigration, locks: LockWatch): Promise<boolean> {
    const attempt = () => this.#transaction('COMMIT', locks, (connection) => this.#applyOne(connection, migration));
    return retryWhileLocked(this.#patience, attempt, () => {
      const { last } = locks;
      this.#options.logger.warn('app migration waits for a lock', {
        migration: migration.name,
        ...(last === undefined ? {} : { reason: describeHolders(last.what, last.holders) }),
      });
    });
  }

  /** @returns false when another server was quicker */
  async #applyOne(connection: DatabaseConnection, migration: AppMigration): Promise<boolean> {
    if (!(await isPending(connection, migration))) return false;
    await runMigration(connection, migration, { lockTimeoutMs: this.#patience.lockTimeoutMs, grants: this.#grants });
    await recordApplied(connection, this.#options.database.events, migration);
    return true;
  }

  /** @returns false when another server was quicker */
  async #applyAlone(migration: AppMigration, locks: LockWatch): Promise<boolean> {
    const { database, sessions = database } = this.#options;
    const connection = await sessions.connect();
    try {
      const pid = await assertSession(connection, migration);
      // Building an index takes as long as it takes, and waiting for the server that builds it too.
      await connection.query(`SET statement_timeout = 0; SELECT pg_advisory_lock(${LOCK_ID})`);
      if (!(await isPending(connection, migration))) return false;
      await runAlone(connection, migration, { patience: this.#patience, grants: this.#grants, pid, locks });
      await connection.query('RESET ROLE; BEGIN');
      await this.#grants.lock(connection);
      await this.#grants.settle(connection);
      await recordApplied(connection, this.#options.database.events, migration);
      await forgetSteps(connection, migration);
      await connection.query('COMMIT');
      return true;
    } finally {
      // Closed: the lock ends with the session, as does what the file SETs.
      connection.release(true);
    }
  }

  async #transaction<T>(
    end: 'COMMIT' | 'ROLLBACK',
    locks: LockWatch,
    work: (connection: DatabaseConnection) => Promise<T>,
  ): Promise<T> {
    const connection = await this.#options.database.connect();
    try {
      await connection.query('BEGIN');
      // As in `#applyAlone`.
      await connection.query(`SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(${LOCK_ID})`);
      await this.#grants.lock(connection);
      const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const result = await locks.during(rows[0]?.pid ?? 0, () => work(connection));
      await connection.query(end);
      return result;
    } finally {
      // Closed and not given back: it ends a failed transaction, and what a file SETs must not leak into requests.
      connection.release(true);
    }
  }

  /** Runs `work`, and says of a lock that it did not get who holds it. */
  async #explained<T>(
    migration: AppMigration | (() => AppMigration),
    work: (locks: LockWatch) => Promise<T>,
  ): Promise<T> {
    const locks = new LockWatch(this.#options.database, this.#patience.lockTimeoutMs);
    try {
      return await work(locks);
    } catch (error) {
      if (!isLockFailure(error)) throw error;
      throw blocked(typeof migration === 'function' ? migration() : migration, locks, error);
    }
  }
}

/** @throws ReactorError when one changed, or cannot be run */
async function pendingOf(database: Database, migrations: readonly AppMigration[]): Promise<readonly AppMigration[]> {
  const ordered = inOrder(migrations);
  const { pending, changed } = compare(ordered, await readHistory(database));
  refuseChanged(changed);
  const names = new Set(pending);
  const found = ordered.filter(({ name }) => names.has(name));
  for (const migration of found) assertRunnable(migration);
  return found;
}

/** `migration_blocked` (503), naming who holds the lock. */
function blocked({ name }: AppMigration, { last }: LockWatch, cause: unknown): ReactorError {
  const { file = `${name}.sql`, line } = ((cause as ReactorError).details ?? {}) as { file?: string; line?: number };
  const place = line === undefined ? file : `${file}:${line}`;
  const why = last === undefined ? reasonOf(cause) : describeHoldersWithQuery(last);
  const remedy = last === undefined ? '' : ` ${endHolders(last.holders)}`;
  return dataErrors.create.migration_blocked(`${place}: ${why}.${remedy}`, {
    details: { file, ...(line === undefined ? {} : { line }), blocked_by: last?.holders ?? [] },
    headers: { 'Retry-After': '10' },
    cause,
  });
}

/** What the caller is told names file and line; what lies behind it does not. */
function reasonFor(error: unknown): string {
  return error instanceof ReactorError ? error.message : reasonOf(error);
}
