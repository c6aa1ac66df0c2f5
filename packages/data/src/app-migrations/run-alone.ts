import {
  type DatabaseConnection,
  isLockFailure,
  type LockPatience,
  type LockWatch,
  type Queryable,
  type QueryOptions,
  ReactorError,
  retryWhileLocked,
} from '@reactor/core';
import { dataErrors } from '../errors.js';
import type { Grants } from '../grants/grants.js';
import { EXPOSED_SCHEMA } from '../schema/schema-cache.js';
import type { AppMigration } from './files.js';
import { checksumOf } from './history.js';
import { isPolicyStatement } from './policy.js';
import { assertNothingLost, enableRowSecurity, lackOf, mayGrant, openTables, runStatement } from './run.js';
import { type SqlStatement, splitStatements } from './split.js';

/** Keeps nobody from reading or writing, so it may wait for a long report; but not for ever. Milliseconds. */
const CONCURRENT_LOCK_TIMEOUT_MS = 600_000;

/** What the session needs again when a file is taken up in the middle. */
const SETTING = /^(?:set|reset)\b/i;

/** What is left of an index that could not be built: it costs every write, and serves no read. */
const INVALID_INDEXES = `SELECT i.indexrelid::text AS oid, i.indexrelid::regclass::text AS name, c.relname AS bare
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  WHERE NOT i.indisvalid AND c.relkind = 'i' ORDER BY 2`;

interface Index {
  readonly oid: string;
  /** Quoted where it must be. */
  readonly name: string;
  readonly bare: string;
}

/**
 * Lock and settings of a file without a transaction belong to a session, which a transaction pooler does not give.
 * @throws ReactorError `migration_failed` (400) when one is in between
 */
export async function assertSession(connection: DatabaseConnection, { name }: AppMigration): Promise<number> {
  const { rows } = await connection.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const pid = rows[0]?.pid ?? 0;
  if (connection.processId === undefined || connection.processId === pid) return pid;
  throw dataErrors.create.migration_failed(
    `${name}.sql: without a transaction it needs a PostgreSQL session of its own, and a pooler is in between: ` +
      'set database.direct_url to the address of PostgreSQL itself.',
    { details: { file: `${name}.sql`, line: 1 } },
  );
}

export interface AloneRun {
  readonly patience: LockPatience;
  readonly grants: Grants;
  /** Of the connection's backend. */
  readonly pid: number;
  readonly locks: LockWatch;
}

/**
 * Runs the statements of a file one by one, each of which stays when a later one fails. What ran is noted, so that the
 * file goes on there the next time. Row-level security is switched on after each for the tables that it made.
 * @throws ReactorError `migration_failed` (400) naming file and line; `migration_changed` (409) when what ran is no longer
 *   in the file
 */
export async function runAlone(connection: DatabaseConnection, migration: AppMigration, run: AloneRun): Promise<void> {
  const statements = splitStatements(migration.sql);
  const done = await readSteps(connection, migration);
  const changed = changedStep(migration, statements, done);
  if (changed !== undefined) throw dataErrors.create.migration_changed(changed);
  await connection.query(`SET search_path = ${EXPOSED_SCHEMA}`);
  const lackedBefore = await lackOf(connection);
  for (const [step, statement] of statements.entries()) {
    const isSetting = SETTING.test(statement.text);
    if (done.has(step) && !isSetting) continue;
    if (mayGrant(statement)) {
      await inTransaction(connection, async () => {
        await run.grants.lock(connection);
        await run.grants.prepareFor(statement.text, connection);
      });
    }
    await runStep(connection, migration, statement, run);
    if (isSetting) continue;
    await connection.query('INSERT INTO reactor_data.app_migration_steps (name, step, checksum) VALUES ($1, $2, $3)', [
      migration.name,
      step,
      checksumOf(statement.text),
    ]);
  }
  await assertNothingLost(connection, migration, lackedBefore);
}

async function runStep(
  connection: DatabaseConnection,
  migration: AppMigration,
  statement: SqlStatement,
  { patience, pid, locks }: AloneRun,
): Promise<void> {
  const isConcurrent = /\bconcurrently\b/i.test(statement.text);
  const before = await openTables(connection);
  const invalidBefore = new Set((await invalidIndexes(connection)).map(({ oid }) => oid));
  await connection.query(`SET lock_timeout = ${isConcurrent ? CONCURRENT_LOCK_TIMEOUT_MS : patience.lockTimeoutMs}`);
  // A policy becomes several statements.
  const send = isPolicyStatement(statement.text)
    ? () => inTransaction(connection, () => runStatement(connection, migration, statement))
    : () => runStatement(connection, migration, statement);
  try {
    const attempt = () => locks.during(pid, send);
    await (isConcurrent ? attempt() : retryWhileLocked(patience, attempt));
  } catch (error) {
    const left = await invalidIndexes(connection).catch(() => []);
    throw withLeftovers(
      error,
      left.filter((index) => !invalidBefore.has(index.oid) || isNamedIn(index, statement)),
    );
  }
  // IF NOT EXISTS is content with an index that an earlier attempt left invalid.
  const useless = isConcurrent ? (await invalidIndexes(connection)).filter((index) => isNamedIn(index, statement)) : [];
  if (useless.length > 0) {
    const place = { file: `${migration.name}.sql`, line: statement.line };
    const error = dataErrors.create.migration_failed(`${place.file}:${place.line}: the index is not valid`, {
      details: place,
    });
    throw withLeftovers(error, useless);
  }
  // The file may have left another role or path behind.
  const { rows } = await connection.query<{ path: string; role: string }>(
    `SELECT current_setting('search_path') AS path, current_setting('role') AS role`,
  );
  const kept = rows[0];
  await connection.query(`RESET SESSION AUTHORIZATION; RESET ROLE; SET search_path = ${EXPOSED_SCHEMA}`);
  await enableRowSecurity(connection, before);
  await connection.query("SELECT set_config('search_path', $1, false), set_config('role', $2, false)", [
    kept?.path,
    kept?.role,
  ]);
}

async function inTransaction(connection: DatabaseConnection, work: () => Promise<void>): Promise<void> {
  await connection.query('BEGIN');
  try {
    await work();
    await connection.query('COMMIT');
  } catch (error) {
    await connection.query('ROLLBACK');
    throw error;
  }
}

async function invalidIndexes(connection: Queryable): Promise<readonly Index[]> {
  return (await connection.query<Index>(INVALID_INDEXES)).rows;
}

/** As a word of its own, quoted or not. */
function isNamedIn({ bare }: Index, { text }: SqlStatement): boolean {
  const escaped = bare.toLowerCase().replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w$])${escaped}(?![\\w$])`).test(text.toLowerCase());
}

/** The error, with what must be removed before the file can go on. */
function withLeftovers(error: unknown, indexes: readonly Index[]): unknown {
  if (!(error instanceof ReactorError) || indexes.length === 0) return error;
  const drops = indexes.map(({ name }) => `DROP INDEX CONCURRENTLY ${name};`).join(' ');
  const invalid_indexes = indexes.map(({ name }) => name);
  return dataErrors.create.migration_failed(
    `${error.message.replace(/\.$/, '')}; it left an invalid index behind: run ${drops} and migrate again`,
    {
      details: { ...(error.details as object | undefined), invalid_indexes },
      // Here the reason is a lock that was not available for ten minutes; trying again at once does not help.
      cause: isLockFailure(error) ? new Error(error.message) : error.cause,
    },
  );
}

/** Checksums of the statements that ran, by their places in the file. */
export async function readSteps(
  connection: Queryable,
  { name }: AppMigration,
  options?: QueryOptions,
): Promise<ReadonlyMap<number, string>> {
  const { rows } = await connection.query<{ step: number; checksum: string }>(
    'SELECT step, checksum FROM reactor_data.app_migration_steps WHERE name = $1 ORDER BY step',
    [name],
    options,
  );
  return new Map(rows.map(({ step, checksum }) => [step, checksum]));
}

/** Says which statement that ran is no longer as it was; undefined when they all are. */
export function changedStep(
  { name }: AppMigration,
  statements: readonly SqlStatement[],
  done: ReadonlyMap<number, string>,
): string | undefined {
  for (const [step, checksum] of done) {
    const statement = statements[step];
    if (statement !== undefined && checksumOf(statement.text) === checksum) continue;
    return `${name}.sql: its statement ${step + 1} ran already and was changed since. Put it back as it was; the statements after those that ran may change.`;
  }
  return undefined;
}

/** Forgets the steps of a file that is applied. */
export async function forgetSteps(transaction: Queryable, { name }: AppMigration): Promise<void> {
  await transaction.query('DELETE FROM reactor_data.app_migration_steps WHERE name = $1', [name]);
}
