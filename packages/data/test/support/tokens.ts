import type { Principal, TokenVerifier, UserPrincipal } from '@reactor/core';
import { ALICE, BOB, tokensOf } from '@reactor/testing';

export const ACME = '0190a000-0000-7000-8000-0000000000ac';

/** A signed-in user with the claims that auth gives. */
export function user(id: string, extra: Partial<Omit<UserPrincipal, 'kind' | 'id'>> = {}): UserPrincipal {
  return { kind: 'user', id, claims: { sub: id, session_id: 's1' }, ...extra };
}

export const PRINCIPALS: Readonly<Record<string, Principal>> = {
  admin: { kind: 'system' },
  alice: user(ALICE, { email: 'alice@example.com', orgId: ACME, orgRole: 'owner' }),
  bob: user(BOB),
};

/** Knows the tokens `admin`, `alice` and `bob`. */
export const testTokens: TokenVerifier = tokensOf(PRINCIPALS);
