import { isSqlError, type Queryable, SQLSTATE } from '@reactor/core';
import { dataErrors } from '../errors.js';
import type { Grants } from '../grants/grants.js';
import { findRoleProblems } from '../roles.js';
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
 * Runs the statements of one file inside the transaction of `connection`, switches row-level security on for every table
 * that they made, and gives and takes the privileges that follow from it.
 * @throws ReactorError `migration_failed` (400) naming file and line; then the transaction must be rolled back
 */
export async function runMigration(
  connection: Queryable,
  migration: AppMigration,
  { lockTimeoutMs, grants }: { readonly lockTimeoutMs: number; readonly grants: Grants },
): Promise<void> {
  await connection.query(`SET LOCAL lock_timeout = ${lockTimeoutMs}; SET LOCAL search_path = ${EXPOSED_SCHEMA}`);
  const login = await currentUser(connection);
  const lackedBefore = await lackOf(connection);
  const before = await openTables(connection);
  for (const statement of splitStatements(migration.sql)) {
    // As another role, the file may lack what this takes.
    if (mayGrant(statement) && (await currentUser(connection)) === login) {
      await enableRowSecurity(connection, before);
      await grants.prepareFor(statement.text, connection);
    }
    await runStatement(connection, migration, statement);
  }
  // The file may have left another role or path behind.
  await connection.query(`RESET SESSION AUTHORIZATION; RESET ROLE; SET LOCAL search_path = ${EXPOSED_SCHEMA}`);
  await enableRowSecurity(connection, before);
  await assertNothingLost(connection, migration, lackedBefore);
  await grants.settle(connection);
}

/** What requests lack in the database as it is. */
export async function lackOf(connection: Queryable): Promise<ReadonlySet<string>> {
  return new Set((await findRoleProblems(connection)).map(({ message }) => message));
}

/** @throws ReactorError `migration_failed` (400) when the file took what requests need */
export async function assertNothingLost(
  connection: Queryable,
  { name }: AppMigration,
  before: ReadonlySet<string>,
): Promise<void> {
  const lost = [...(await lackOf(connection))].filter((message) => !before.has(message));
  if (lost.length === 0) return;
  throw dataErrors.create.migration_failed(`${name}.sql: it takes what requests need: ${lost.join('; ')}`, {
    details: { file: `${name}.sql`, line: 1 },
  });
}

/** What a file says of privileges comes after ours, as if they had been there when the table was made. Also in a DO block. */
export function mayGrant({ text }: SqlStatement): boolean {
  return /\b(?:grant|revoke)\b/i.test(text);
}

async function currentUser(connection: Queryable): Promise<string | undefined> {
  return (await connection.query<{ name: string }>('SELECT current_user AS name')).rows[0]?.name;
}

/** By their oids: tables without row-level security. */
export async function openTables(connection: Queryable): Promise<ReadonlyMap<string, string>> {
  return new Map((await connection.query<Table>(OPEN_TABLES)).rows.map(({ oid, name }) => [oid, name]));
}

/** For the tables that were not there `before`. The search path must be the exposed schema. */
export async function enableRowSecurity(connection: Queryable, before: ReadonlyMap<string, string>): Promise<void> {
  for (const [oid, name] of await openTables(connection)) {
    if (!before.has(oid)) await connection.query(`ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`);
  }
}

/** @throws ReactorError `migration_failed` (400) naming file and line, whose cause is the SQL error */
export async function runStatement(
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
    throw failed(0, 'a file must not begin or end a transaction: remove the statement');
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
    // It must run alone.
    const alone =
      code === SQLSTATE.activeSqlTransaction ? 'begin the file with the line -- reactor:no-transaction' : undefined;
    const notes = [`${message} (SQLSTATE ${code})`, detail, hint, alone].filter((note) => note !== undefined);
    throw failed(at, notes.join('; '), { sqlstate: code }, error);
  }
}

/** PostgreSQL counts characters from 1, JavaScript UTF-16 units from 0. */
function toOffset(text: string, position: number): number {
  return Array.from(text)
    .slice(0, position - 1)
    .join('').length;
}
