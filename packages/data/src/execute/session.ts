import type { Principal, Statement } from '@reactor/core';
import { ANONYMOUS_ROLE, USER_ROLE } from '../roles.js';
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
}

/** The role in `request.jwt.claims` and in statement keys: as in PostgREST the database role, or the operator. */
export function roleOf(principal: Principal): string {
  if (principal.kind === 'system') return 'system';
  return principal.kind === 'user' ? USER_ROLE : ANONYMOUS_ROLE;
}

/** For users and nobody: `role` comes first, so that nothing after it runs with the rights of the login. */
const AS_CALLER = `set_config('role', $1, true), set_config('request.jwt.claims', $2, true),
    set_config('request.method', $3, true), set_config('request.path', $4, true),
    set_config('search_path', $5, true), set_config('statement_timeout', $6, true),
    set_config('transaction_read_only', $7, true)`;

/** The operator stays the login, which policies do not bind where it owns the tables. */
const AS_SYSTEM = AS_CALLER.replace(`set_config('role', $1, true)`, '$1::text');

const IN_TIME_ZONE = `, set_config('TimeZone', $8, true)`;

/** Without being named, temporary tables would come first, and one could stand in for a table of the app. */
const SEARCH_PATH = `${EXPOSED_SCHEMA}, pg_temp`;

/** The statement that makes what follows it in the transaction run as the caller. */
export function sessionStatement(session: Session): Statement {
  const { principal, method, path, readOnly, statementTimeoutMs, timeZone } = session;
  const role = roleOf(principal);
  const isSystem = principal.kind === 'system';
  return {
    // Of no interest is what comes back: one number is read faster than eight texts, the claims among them.
    text: `SELECT num_nulls(${isSystem ? AS_SYSTEM : AS_CALLER}${timeZone === undefined ? '' : IN_TIME_ZONE})`,
    values: [
      role,
      JSON.stringify(claimsOf(principal, role)),
      method,
      path,
      SEARCH_PATH,
      String(statementTimeoutMs),
      readOnly ? 'on' : 'off',
      ...(timeZone === undefined ? [] : [timeZone]),
    ],
    prepareAs: `session of ${isSystem ? 'the operator' : 'a caller'}${timeZone === undefined ? '' : ' in a time zone'}`,
  };
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
