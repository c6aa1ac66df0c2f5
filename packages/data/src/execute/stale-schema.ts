import { isSqlError, SQLSTATE, type SqlError } from '@reactor/core';
import { ASSUMED_FUNCTION } from '../plan/assumptions.js';

/** An undefined table or column: of what we write, and callers cannot. */
const OURS: ReadonlySet<string> = new Set([SQLSTATE.undefinedTable, SQLSTATE.undefinedColumn]);

/** By SQLSTATE, where in PostgreSQL's source it says so of a statement that the schema has left behind. */
const ROUTINES: Readonly<Record<string, readonly string[]>> = {
  // "cached plan must not change result type"
  [SQLSTATE.featureNotSupported]: ['RevalidateCachedQuery'],
  // Not of what a caller searches for, whose syntax errors have the same SQLSTATE.
  [SQLSTATE.syntaxError]: ['scanner_yyerror', 'transformInsertRow', 'transformInsertStmt'],
  [SQLSTATE.undefinedObject]: ['typenameType'],
  [SQLSTATE.datatypeMismatch]: ['CheckVarSlotCompatibility', 'transformAssignedExpr'],
  [SQLSTATE.undefinedFunction]: ['regprocedurein'],
};

/** PostgreSQL's internal errors, which it does not translate, when an object goes away under a statement. */
const GONE = /^(?:cache lookup failed for |could not open relation with OID |could not find .* for relation )/;

/**
 * Whether an error tells that the statement was planned with another schema than the database has now. Nothing that a
 * caller sends makes one, as only names of the model get into statements.
 */
export function isOfStaleSchema(error: SqlError): boolean {
  const { code, routine = '', message, where } = error;
  if (code === SQLSTATE.internalError) return GONE.test(message);
  // Inside of a function of the app: its own mistake.
  if (where !== undefined) return false;
  if (OURS.has(code) || ROUTINES[code]?.includes(routine) === true) return true;
  return code === SQLSTATE.undefinedFunction && message.includes(`${ASSUMED_FUNCTION}(`);
}

/**
 * Whether PostgreSQL could not read a value as the type of its parameter. A prepared statement has the types from when it
 * was prepared, and tells so before it looks whether they still hold.
 */
export function isOfParameter(error: unknown): boolean {
  return isSqlError(error) && error.code.startsWith('22') && /\$\d/.test(error.where ?? '');
}
