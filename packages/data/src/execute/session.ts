import { ANONYMOUS_ROLE, type CancelSignal, type Principal, type Statement, USER_ROLE } from '@reactor/core';
import { EXPOSED_SCHEMA } from '../schema/schema-cache.js';

/** What PostgreSQL is told about a request before its statement. All of it ends with the transaction. */
export interface Session {
  readonly principal: Principal;
  readonly method: string;
  /** As the caller sent it, with the mount point. */
  readonly path: string;
  readonly readOnly: boolean;
  readonly statementTimeoutMs: number;
  /** IANA name; the database's own when undefined. */
  readonly timeZone?: string | undefined;
  /** Cancels the statement when nobody waits for the answer any more. */
  readonly signal?: CancelSignal;
}

/** The role in `request.jwt.claims` and in statement keys: as in PostgREST the database role, or the operator. */
export function roleOf(principal: Principal): string {
  if (principal.kind === 'system') return 'system';
  return principal.kind === 'user' ? USER_ROLE : ANONYMOUS_ROLE;
}

/** The operator stays the login, which policies do not bind where it owns the tables. */
const NO_ROLE = 'none';

/**
 * One text for callers and the operator, with the role as a parameter: whatever is taken for this statement, it never runs
 * as another role without saying so. `role` comes first, so that nothing after it runs with the rights of the login.
 */
const SETTINGS = `set_config('role', $1, true), set_config('request.jwt.claims', $2, true),
    set_config('request.method', $3, true), set_config('request.path', $4, true),
    set_config('search_path', $5, true), set_config('statement_timeout', $6, true),
    set_config('lock_timeout', $7, true), set_config('idle_in_transaction_session_timeout', $6, true),
    set_config('transaction_read_only', $8, true)`;

const IN_TIME_ZONE = `, set_config('TimeZone', $9, true)`;

/** Without being named, temporary tables would come first, and one could stand in for a table of the app. */
const SEARCH_PATH = `${EXPOSED_SCHEMA}, pg_temp`;

/**
 * Fails unless it runs as `$1`, and with it everything that follows in the transaction. PostgreSQL folds a CASE that
 * divides by a constant when it plans; this it computes when it runs. No row comes back, which would have to be read.
 */
export const CHECK_ROLE = 'SELECT WHERE 1 / (current_user = $1)::int = 0';

/**
 * Makes what follows in the transaction run as the caller, and fails where it would not.
 * @param login the name of the login, as whom the operator's requests run
 */
export function sessionStatements(session: Session, login: string): readonly [Statement, Statement] {
  const { principal, method, path, readOnly, statementTimeoutMs, timeZone } = session;
  const role = roleOf(principal);
  const isSystem = principal.kind === 'system';
  return [
    {
      // The result does not matter: one number is read faster than nine texts, the claims among them.
      text: `SELECT num_nulls(${SETTINGS}${timeZone === undefined ? '' : IN_TIME_ZONE})`,
      values: [
        isSystem ? NO_ROLE : role,
        JSON.stringify(claimsOf(principal, role)),
        method,
        path,
        SEARCH_PATH,
        String(statementTimeoutMs),
        String(lockTimeoutMs(statementTimeoutMs)),
        readOnly ? 'on' : 'off',
        ...(timeZone === undefined ? [] : [timeZone]),
      ],
      prepareAs: timeZone === undefined ? 'session' : 'session in a time zone',
    },
    { text: CHECK_ROLE, values: [isSystem ? login : role], prepareAs: 'check of the role' },
  ];
}

/** Less than the statement may take, so that PostgreSQL says that it was a lock. */
function lockTimeoutMs(statementTimeoutMs: number): number {
  return Math.max(1, Math.floor(statementTimeoutMs * 0.8));
}

/** Claims as policies see them. What the verifier has established stands above what the token says. */
function claimsOf(principal: Principal, role: string): Readonly<Record<string, unknown>> {
  if (principal.kind !== 'user') return { role };
  const { claims, id, email, orgId, orgRole } = principal;
  const established: Record<string, unknown> = { ...claims, role, sub: id };
  if (email !== undefined) established.email = email;
  if (orgId !== undefined) established.org_id = orgId;
  if (orgRole !== undefined) established.org_role = orgRole;
  return established;
}
