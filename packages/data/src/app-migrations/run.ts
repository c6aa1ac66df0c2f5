import type { Queryable } from '@reactor/core';
import { dataErrors } from '../errors.js';
import { isSqlError } from '../execute/sql-errors.js';
import { EXPOSED_SCHEMA } from '../schema/schema-cache.js';
import type { AppMigration } from './files.js';
import { compilePolicy, isPolicyStatement } from './policy.js';
import { PolicyError } from './policy-tokens.js';
import { countLines, type SqlStatement, splitStatements } from './split.js';

/** What would end the transaction that the file runs in. */
const TRANSACTION_CONTROL = /^(?:begin|start|commit|end|rollback|abort|prepare\s+transaction)\b/i;

/** Tables whose row-level security is off. */
const OPEN_TABLES = `SELECT oid::text, oid::regclass::text AS name FROM pg_catalog.pg_class
  WHERE relnamespace = '${EXPOSED_SCHEMA}'::regnamespace AND relkind IN ('r', 'p') AND NOT relrowsecurity`;

interface Table {
  readonly oid: string;
  /** Quoted where it must be. */
  readonly name: string;
}

/**
 * Runs the statements of one file inside the transaction of `connection`, and switches row-level security on for every
 * table that they made.
 * @throws ReactorError `migration_failed` (400) naming file and line; the transaction has to be rolled back then
 */
export async function runMigration(connection: Queryable, migration: AppMigration): Promise<void> {
  // Building an index takes as long as it takes.
  await connection.query(`SET LOCAL statement_timeout = 0; SET LOCAL search_path = ${EXPOSED_SCHEMA}`);
  const before = new Set((await connection.query<Table>(OPEN_TABLES)).rows.map(({ oid }) => oid));
  for (const statement of splitStatements(migration.sql)) await runStatement(connection, migration, statement);
  // The file may have left another role or path behind.
  await connection.query(`RESET ROLE; SET LOCAL search_path = ${EXPOSED_SCHEMA}`);
  for (const { oid, name } of (await connection.query<Table>(OPEN_TABLES)).rows) {
    if (!before.has(oid)) await connection.query(`ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`);
  }
}

async function runStatement(
  connection: Queryable,
  { name }: AppMigration,
  { text, line }: SqlStatement,
): Promise<void> {
  const failed = (at: number, message: string, details: object = {}, cause?: unknown) => {
    const file = `${name}.sql`;
    const place = line + countLines(text, 0, at);
    return dataErrors.create.migration_failed(`${file}:${place}: ${message}`, {
      details: { file, line: place, ...details },
      ...(cause === undefined ? {} : { cause }),
    });
  };
  if (TRANSACTION_CONTROL.test(text)) {
    throw failed(0, 'each file runs in a transaction of its own; remove the statement that begins or ends one');
  }
  const isPolicy = isPolicyStatement(text);
  try {
    for (const one of isPolicy ? compilePolicy(text) : [text]) await connection.query(one);
  } catch (error) {
    if (error instanceof PolicyError) throw failed(error.at, error.message);
    if (!isSqlError(error)) throw error;
    const { code, message, detail, hint, position } = error;
    // Of what a policy became, the position says nothing about the file.
    const at = position === undefined || isPolicy ? 0 : toOffset(text, Number(position));
    const notes = [`${message} (SQLSTATE ${code})`, detail, hint].filter((note) => note !== undefined);
    throw failed(at, notes.join('; '), { sqlstate: code }, error);
  }
}

/** PostgreSQL counts characters from 1, JavaScript UTF-16 units from 0. */
function toOffset(text: string, position: number): number {
  return Array.from(text)
    .slice(0, position - 1)
    .join('').length;
}
