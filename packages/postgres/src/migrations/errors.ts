import { DatabaseError } from 'pg';
import { type MigrationName, nameOf } from './status.js';

/** A migration did not run to its end; nothing of it is in the database. */
export class MigrationFailedError extends Error {
  override readonly name = 'MigrationFailedError';
  readonly owner: string;
  readonly id: string;
  /** The SQLSTATE, when PostgreSQL refused a statement. */
  readonly sqlState: string | undefined;

  constructor(migration: MigrationName, problem: string, options?: ErrorOptions & { readonly sqlState?: string }) {
    super(`migration ${nameOf(migration)} failed: ${problem}`, options);
    this.owner = migration.owner;
    this.id = migration.id;
    this.sqlState = options?.sqlState;
  }

  static fromSqlError(migration: MigrationName, sql: string, cause: unknown): MigrationFailedError {
    const message = cause instanceof Error ? cause.message : String(cause);
    if (!(cause instanceof DatabaseError)) return new MigrationFailedError(migration, message, { cause });
    const { code, position, detail, hint } = cause;
    const place = [
      ...(code === undefined ? [] : [`SQLSTATE ${code}`]),
      ...(position === undefined ? [] : [`line ${lineAt(sql, Number(position))}`]),
    ];
    const notes = [detail, hint].filter((note) => note !== undefined);
    const problem = [`${message}${place.length > 0 ? ` (${place.join(', ')})` : ''}`, ...notes].join('; ');
    return new MigrationFailedError(migration, problem, { cause, ...(code === undefined ? {} : { sqlState: code }) });
  }
}

/** Migrations were edited after they had been applied, so that the database is not what the files say. */
export class ChangedMigrationError extends Error {
  override readonly name = 'ChangedMigrationError';
  readonly migrations: readonly MigrationName[];

  constructor(migrations: readonly MigrationName[]) {
    super(
      `changed after being applied: ${migrations.map(nameOf).join(', ')}; ` +
        'put the files back as they were and write the change as a new migration',
    );
    this.migrations = migrations;
  }
}

/** @param position characters from 1, as PostgreSQL counts them */
function lineAt(sql: string, position: number): number {
  return (
    Array.from(sql)
      .slice(0, position - 1)
      .filter((character) => character === '\n').length + 1
  );
}
