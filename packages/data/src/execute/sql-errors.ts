import { ANONYMOUS_ROLE, coreErrors, type Principal, ReactorError, USER_ROLE } from '@reactor/core';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { DataError, dataError, type PostgrestFields } from '../errors.js';

/** An error as PostgreSQL reports it. */
export interface SqlError extends Error {
  /** SQLSTATE. */
  readonly code: string;
  readonly detail?: string;
  readonly hint?: string;
  /** Of the fault in the statement, characters from 1. */
  readonly position?: string;
  /** Name of the function in PostgreSQL's source. */
  readonly routine?: string;
  /** What PostgreSQL was at: the function of the app, or the parameter. */
  readonly where?: string;
}

export function isSqlError(error: unknown): error is SqlError {
  if (!(error instanceof Error) || error instanceof ReactorError) return false;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && typeof severity === 'string';
}

/** Raised by `auth.bounded`. */
const RESULT_TOO_LARGE = 'RX001';

const CHALLENGE = { 'WWW-Authenticate': 'Bearer' };

/** Somebody else's lock or the server's own trouble: nothing that the caller did. */
const RETRY = { 'Retry-After': '1' };

/** What the caller hears of an error of PostgreSQL. Its message and hint are for the caller. */
export function fromSqlError(error: SqlError, principal: Principal): DataError {
  const { code, message, hint } = error;
  const postgrest: PostgrestFields = { code, details: detailFor(error, principal), hint: hint ?? null };
  const options = { cause: error };
  if (isLostRole(error)) return internal(error, postgrest);
  if (code === '42501') return refusal(error, principal, postgrest);
  if (/^PT[3-5]\d\d$/.test(code)) {
    // A function says by PT and a status what it wants to be answered.
    const status = Number(code.slice(2)) as ContentfulStatusCode;
    return new DataError(new ReactorError('raised_by_function', status, message, options), postgrest);
  }
  if (code === '55P03' && isLockTimeout(error)) {
    const waited = 'The statement waited too long for a lock that another transaction holds.';
    return dataError('statement_timeout', waited, postgrest, { ...options, headers: RETRY });
  }
  if (code === '55000' && isViewRefusal(error)) return dataError('statement_rejected', message, postgrest, options);
  // A text search query with many operators in a row, which PostgreSQL itself takes for a fault of its own.
  if (code === 'XX000' && error.routine === 'pushOpStack') {
    return dataError('invalid_value', 'The text search query nests too deep.', { code }, options);
  }
  switch (code) {
    case '23503':
    case '23505':
    case '23P01':
      return dataError('conflict', message, postgrest, options);
    case RESULT_TOO_LARGE:
      return dataError('result_too_large', message, { ...postgrest, code: '54000' }, options);
    case '25006':
      return dataError('read_only', message, postgrest, { ...options, headers: { Allow: 'POST' } });
    case '40001':
    case '40P01':
    case '55P03':
      return dataError('write_conflict', message, postgrest, { ...options, headers: RETRY });
    case '57014':
      return dataError('statement_timeout', 'The statement took longer than it may.', postgrest, options);
    case '42P01':
      return dataError('table_not_found', message, postgrest, options);
    // A policy that asks its own table, and the like: the operator has to mend it.
    case '42P17':
      return internal(error, postgrest);
  }
  switch (code.slice(0, 2)) {
    case '22':
      return dataError('invalid_value', message, postgrest, options);
    case '23':
      return dataError('constraint_violation', message, postgrest, options);
    case '0A':
    case '21':
    case '3F':
    case '42':
    case '44':
    case '54':
      return dataError('statement_rejected', message, postgrest, options);
    case '53':
      return new DataError(
        coreErrors.create.database_unavailable('The database is out of resources.', { ...options, headers: RETRY }),
        postgrest,
      );
    // What PL/pgSQL raises; and classes that only the app's own code can name.
    case 'P0':
      return dataError('raised_by_function', message, postgrest, options);
    case '02':
    case '03':
    case '08':
    case '09':
    case '0L':
    case '0P':
    case '24':
    case '25':
    case '26':
    case '27':
    case '28':
    case '2B':
    case '2D':
    case '2F':
    case '34':
    case '38':
    case '39':
    case '3B':
    case '3D':
    case '55':
    case '57':
    case '58':
    case 'F0':
    case 'HV':
    case 'XX':
      return internal(error, postgrest);
  }
  return dataError('raised_by_function', message, postgrest, options);
}

/**
 * The detail of a broken constraint is the row. PostgreSQL keeps it from whom policies bind, but a foreign key changes
 * other rows with the rights of the table's owner, as a SECURITY DEFINER function does, and then it prints them.
 */
function detailFor({ code, detail, routine }: SqlError, principal: Principal): string | null {
  const isConstraint = code.startsWith('23') || code.startsWith('44');
  const wasRaised = routine === 'exec_stmt_raise';
  return isConstraint && !wasRaised && principal.kind !== 'system' ? null : (detail ?? null);
}

/** Its message may tell of the inside. */
function internal(error: SqlError, { code }: PostgrestFields): DataError {
  const reactor = coreErrors.create.internal_error('The database failed to answer this request.', { cause: error });
  return new DataError(reactor, { code });
}

function refusal(error: SqlError, principal: Principal, postgrest: PostgrestFields): DataError {
  const options = { cause: error };
  // PostgreSQL has one SQLSTATE for both, and its words are translated by lc_messages; the code of the source is not.
  const code = isPolicyRefusal(error) ? 'policy_denied' : 'permission_denied';
  if (principal.kind !== 'anonymous') return dataError(code, error.message, postgrest, options);
  return new DataError(new ReactorError(code, 401, error.message, { ...options, headers: CHALLENGE }), postgrest);
}

/** The role that the request should run under is gone, or out of reach: `set_config` says so. */
function isLostRole({ routine, message }: SqlError): boolean {
  return routine === 'call_string_check_hook' && (message.includes(ANONYMOUS_ROLE) || message.includes(USER_ROLE));
}

/** The limit of the session, and not a statement that says NOWAIT. */
function isLockTimeout({ routine }: SqlError): boolean {
  return routine === 'ProcessInterrupts';
}

/** Where PostgreSQL refuses a row, by the name of the function in its source. */
function isPolicyRefusal({ routine }: SqlError): boolean {
  return routine === 'ExecWithCheckOptions';
}

/** Where PostgreSQL refuses to write through a view: of the one name up to 16, of the other since. */
function isViewRefusal({ routine }: SqlError): boolean {
  return routine === 'rewriteTargetView' || routine === 'error_view_not_updatable';
}
