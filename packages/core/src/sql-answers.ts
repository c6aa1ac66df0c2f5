import { coreErrors, ReactorError } from './errors.js';
import { isSqlError, SQLSTATE, type SqlError } from './sqlstate.js';

/** What a caller is told of an error of PostgreSQL. */
export interface SqlAnswer {
  readonly code: 'conflict' | 'constraint_violation' | 'database_unavailable' | 'invalid_value' | SqlContention;
  /** PostgreSQL's own words may quote what is stored. */
  readonly message: string;
  /** Whether the same request may succeed when it is sent again: then the answer has `Retry-After`. */
  readonly again: boolean;
}

type SqlContention = 'lock_timeout' | 'statement_timeout' | 'write_conflict';

const invalidValue: SqlAnswer = {
  code: 'invalid_value',
  message: 'A value in the request does not have the form that the database accepts.',
  again: false,
};
const conflict: SqlAnswer = { code: 'conflict', message: 'The change conflicts with what is stored.', again: false };
const constraintViolation: SqlAnswer = {
  code: 'constraint_violation',
  message: 'The change breaks a constraint of the database.',
  again: false,
};
const writeConflict: SqlAnswer = {
  code: 'write_conflict',
  message: 'The request met another transaction in the database; try again.',
  again: true,
};
const lockTimeout: SqlAnswer = {
  code: 'lock_timeout',
  message: 'The request waited too long for a lock that another transaction holds; try again.',
  again: true,
};
const statementTimeout: SqlAnswer = {
  code: 'statement_timeout',
  message: 'The database took longer for the request than is allowed.',
  again: false,
};
const unavailable: SqlAnswer = {
  code: 'database_unavailable',
  message: 'The database cannot do this now; try again.',
  again: true,
};

/**
 * By SQLSTATE or its class, for statements of ours and of callers. What is not here is a fault of the statement: ours, or the
 * caller's where callers write statements.
 */
export const SQL_ANSWERS: Readonly<Record<string, SqlAnswer>> = {
  // Connection exceptions.
  '08': unavailable,
  // Values that are malformed or out of range.
  '22': invalidValue,
  '23': constraintViolation,
  [SQLSTATE.restrictViolation]: conflict,
  [SQLSTATE.foreignKeyViolation]: conflict,
  [SQLSTATE.uniqueViolation]: conflict,
  [SQLSTATE.exclusionViolation]: conflict,
  // Deadlocks and serialization failures.
  '40': writeConflict,
  // Disk, memory or connections are used up.
  '53': unavailable,
  // A value that is longer than an index entry, and the like.
  '54': invalidValue,
  [SQLSTATE.lockNotAvailable]: lockTimeout,
  // The server stops, starts, or drops the database.
  '57': unavailable,
  [SQLSTATE.queryCanceled]: statementTimeout,
  // Errors of the system below PostgreSQL.
  '58': unavailable,
};

/** @returns undefined for a SQLSTATE that tells of a fault in the statement, or in PostgreSQL */
export function findSqlAnswer(sqlstate: string): SqlAnswer | undefined {
  return SQL_ANSWERS[sqlstate] ?? SQL_ANSWERS[sqlstate.slice(0, 2)];
}

/** @param message instead of the answer's own, when it is fit for the caller */
export function createSqlAnswer(
  { code, message, again }: SqlAnswer,
  cause: SqlError,
  own?: { readonly message?: string; readonly details?: unknown },
): ReactorError {
  return coreErrors.create[code](own?.message ?? message, {
    cause,
    details: own?.details,
    ...(again ? { headers: { 'Retry-After': '1' } } : {}),
  });
}

/** What the caller sees of an error that is not a ReactorError: an SQL error by its SQLSTATE, else `internal_error`. */
export function toReactorError(error: unknown): ReactorError {
  if (error instanceof ReactorError) return error;
  const answer = isSqlError(error) ? findSqlAnswer(error.code) : undefined;
  if (answer !== undefined) return createSqlAnswer(answer, error as SqlError);
  return coreErrors.create.internal_error('The server failed to answer this request.', { cause: error });
}
