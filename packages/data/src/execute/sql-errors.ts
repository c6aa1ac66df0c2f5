import {
  ANONYMOUS_ROLE,
  coreErrors,
  createSqlAnswer,
  findSqlAnswer,
  isRaised,
  type Principal,
  ReactorError,
  SQLSTATE,
  type SqlError,
  USER_ROLE,
} from '@reactor/core';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { DataError, dataError, type PostgrestFields } from '../errors.js';

/** Raised by `auth.bounded`. */
const RESULT_TOO_LARGE = 'RX001';

const CHALLENGE = { 'WWW-Authenticate': 'Bearer' };

/** What the caller is told of an error of PostgreSQL. Its message and hint are for the caller, who wrote the statement. */
export function fromSqlError(error: SqlError, principal: Principal): DataError {
  const { code, message, hint } = error;
  const postgrest: PostgrestFields = { code, details: detailFor(error, principal), hint: hint ?? null };
  const options = { cause: error };
  if (isLostRole(error)) return internal(error, postgrest);
  if (/^PT[3-5]\d\d$/.test(code)) {
    // A function says by PT and a status what it wants to be answered.
    const status = Number(code.slice(2)) as ContentfulStatusCode;
    return new DataError(new ReactorError('raised_by_function', status, message, options), postgrest);
  }
  switch (code) {
    case SQLSTATE.insufficientPrivilege:
      return refusal(error, principal, postgrest);
    case RESULT_TOO_LARGE:
      return dataError('result_too_large', message, { ...postgrest, code: SQLSTATE.programLimitExceeded }, options);
    case SQLSTATE.readOnlySqlTransaction:
      return dataError('read_only', message, postgrest, { ...options, headers: { Allow: 'POST' } });
    case SQLSTATE.undefinedTable:
      return dataError('table_not_found', message, postgrest, options);
    // A policy that reads its own table, for example: the operator must repair it.
    case SQLSTATE.invalidObjectDefinition:
      return internal(error, postgrest);
  }
  if (code === SQLSTATE.objectNotInPrerequisiteState && isViewRefusal(error)) {
    return dataError('statement_rejected', message, postgrest, options);
  }
  // A text search query with many operators in a row, which PostgreSQL itself takes for a fault of its own.
  if (code === SQLSTATE.internalError && error.routine === 'pushOpStack') {
    const tooDeep = 'The text search query nests too deep.';
    return new DataError(coreErrors.create.invalid_value(tooDeep, options), { code });
  }
  const raisedStatus = isRaised(error) ? statusOfRaised(code) : undefined;
  if (raisedStatus !== undefined) {
    return new DataError(new ReactorError('raised_by_function', raisedStatus, message, options), postgrest);
  }
  const answer = findSqlAnswer(code);
  if (answer !== undefined) {
    if (OF_THE_INSIDE.has(answer.code)) return new DataError(createSqlAnswer(answer, error), { code });
    const details = postgrest.details ?? undefined;
    return new DataError(createSqlAnswer(answer, error, { message, details }), postgrest);
  }
  const sqlClass = code.slice(0, 2);
  if (OF_THE_STATEMENT.has(sqlClass)) return dataError('statement_rejected', message, postgrest, options);
  return OF_THE_SERVER.has(sqlClass)
    ? internal(error, postgrest)
    : dataError('raised_by_function', message, postgrest, options);
}

/**
 * By SQLSTATE or class of it, what PostgREST answers. By these PostgreSQL tells of logins, of the connection and of the
 * machine; raised by a function of the app, they mean what the app takes them for, and nothing is out of order.
 */
const RAISED: Readonly<Record<string, ContentfulStatusCode>> = {
  '08': 503,
  '0L': 403,
  '0P': 403,
  '28': 403,
  '3D': 400,
  '53': 503,
  '53400': 500,
  '57': 500,
  '58': 500,
};

function statusOfRaised(code: string): ContentfulStatusCode | undefined {
  // A function that gives up waiting may say so.
  if (code === SQLSTATE.queryCanceled) return undefined;
  return RAISED[code] ?? RAISED[code.slice(0, 2)];
}

/** PostgreSQL's words for these reveal internals, or say nothing. */
const OF_THE_INSIDE: ReadonlySet<string> = new Set(['database_unavailable', 'lock_timeout', 'statement_timeout']);

/** Classes of statements that are invalid, or ask for what is not there. */
const OF_THE_STATEMENT: ReadonlySet<string> = new Set(['0A', '21', '3F', '42', '44']);

/** Classes of what a statement of ours cannot bring about. P0 is what PL/pgSQL raises; others only the app's own code names. */
const OF_THE_SERVER: ReadonlySet<string> = new Set(
  '02 03 09 0L 0P 24 25 26 27 28 2B 2D 2F 34 38 39 3B 3D 55 F0 HV XX'.split(' '),
);

/**
 * The detail of a broken constraint is the row. PostgreSQL hides it from roles that policies bind, but a foreign key changes
 * other rows with the rights of the table's owner, as a SECURITY DEFINER function does, and then it prints them.
 */
function detailFor(error: SqlError, principal: Principal): string | null {
  const { code, detail } = error;
  const isConstraint = code.startsWith('23') || code.startsWith('44');
  return isConstraint && !isRaised(error) && principal.kind !== 'system' ? null : (detail ?? null);
}

/** Its message may reveal internals. */
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

/** Where PostgreSQL refuses a row, by the name of the function in its source. */
function isPolicyRefusal({ routine }: SqlError): boolean {
  return routine === 'ExecWithCheckOptions';
}

/** Where PostgreSQL refuses to write through a view: of the one name up to 16, of the other since. */
function isViewRefusal({ routine }: SqlError): boolean {
  return routine === 'rewriteTargetView' || routine === 'error_view_not_updatable';
}
