import { coreErrors, isRaised, ReactorError, SQLSTATE } from '@reactor/core';
import { DatabaseError } from 'pg';

/** Socket errors: what Node reports when the server is gone, restarting, or not there at all. */
const NETWORK_CODES = new Set([
  'EACCES',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/** What the driver says without a code when a connection ends under it. */
const DRIVER_MESSAGES = [
  'Connection terminated',
  'Client was closed and is not queryable',
  'Client has encountered a connection error and is not queryable',
  'Cannot use a pool after calling end on the pool',
];

/** SQLSTATE classes and codes by which the server says that this connection is over, or that it takes no more. */
const SQLSTATES = /^(?:08...|57P0[1-5]|53300)$/;

/** The driver's words for "nothing came free" and "the server did not finish the handshake". */
const ACQUIRE_TIMEOUTS = new Set([
  'timeout exceeded when trying to connect',
  'Connection terminated due to connection timeout',
]);

/** Whether a checkout failed because its time was over, and not because the server refused. */
export function isAcquireTimeout(error: unknown): boolean {
  return error instanceof Error && ACQUIRE_TIMEOUTS.has(error.message);
}

/** Whether the error tells of the connection rather than of the statement. */
export function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (error instanceof DatabaseError) {
    if (isRaised(error)) return false;
    // Also what a prepared statement with another number of parameters answers; a pooler's last words are fatal.
    if (code === SQLSTATE.protocolViolation) return error.severity === 'FATAL';
    return typeof code === 'string' && SQLSTATES.test(code);
  }
  if (typeof code === 'string' && NETWORK_CODES.has(code)) return true;
  return DRIVER_MESSAGES.some((message) => error.message.startsWith(message));
}

/** What PgBouncer says, in SQLSTATE 08P01 like everything else, of a login that it does not let in. */
const POOLER_REFUSAL = /authentication failed|no such user/;

/** Whether the server, or a pooler before it, turns a login away for good: waiting does not help. */
export function isLoginRefusal(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false;
  const { code = '', message } = error;
  return (
    code.startsWith('28') ||
    code === SQLSTATE.insufficientPrivilege ||
    (code === SQLSTATE.protocolViolation && POOLER_REFUSAL.test(message))
  );
}

/** `database_unavailable` (503): what a caller may know of a database that cannot be reached. */
export function unavailable(message: string, cause: unknown): ReactorError {
  return coreErrors.create.database_unavailable(message, { cause, headers: { 'Retry-After': '1' } });
}

/** A failed statement as `Database` promises it: SQL errors unchanged, a lost connection as `database_unavailable`. */
export function translateQueryError(error: unknown): unknown {
  if (error instanceof ReactorError || !isConnectionFailure(error)) return error;
  return unavailable('The connection to the database was lost.', error);
}
