import type { Clock } from '@reactor/core';
import type { AuthConfig } from './config.js';
import { authErrors } from './errors.js';
import type { AuthStore, Member, StoredUser } from './store.js';

/** The session a token is issued for. */
export interface ClaimedSession {
  readonly id: string;
  readonly userId: string;
  readonly activeOrganizationId?: string | null | undefined;
}

/** Claims of an access token other than `iss` and `aud`. A type, so that it fits where any record does. */
export type AccessClaims = {
  readonly sub: string;
  readonly email: string;
  readonly email_verified: boolean;
  readonly session_id: string;
  /** The organization the session acts for, with the user's role in it; both or neither. */
  readonly org_id?: string;
  readonly org_role?: string;
  /** Seconds since the epoch. */
  readonly iat: number;
  readonly exp: number;
};

/** @param member of the session's organization, where it was read already */
export type ClaimsOf = (
  session: ClaimedSession,
  member?: Member,
) => Promise<{ readonly claims: AccessClaims; readonly user: StoredUser }>;

/**
 * Reads what a token says from the database each time one is issued, so that a changed role or a disabled user shows with
 * the next token.
 * @throws ReactorError `user_disabled` (403), `user_not_found` (404)
 */
export function createClaims(store: AuthStore, config: AuthConfig, clock: Clock): ClaimsOf {
  return async (session, known) => {
    const orgId = session.activeOrganizationId ?? null;
    const member = known ?? (await store.findMember(session.userId, orgId));
    if (member === undefined) throw authErrors.create.user_not_found('This user was deleted.');
    const { user, role } = member;
    if (user.disabled) throw authErrors.create.user_disabled('This account is disabled.');
    const iat = Math.floor(clock.now() / 1000);
    const claims = {
      sub: user.id,
      email: user.email,
      email_verified: user.emailVerified,
      session_id: session.id,
      ...(orgId === null || role === undefined ? {} : { org_id: orgId, org_role: role }),
      iat,
      exp: iat + config.accessTtlSeconds,
    };
    return { claims, user };
  };
}
