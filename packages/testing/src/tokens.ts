import { coreErrors, type Principal, type TokenVerifier } from '@reactor/core';

/** The user of the token `alice`. */
export const ALICE = '0190a000-0000-7000-8000-00000000000a';
/** The user of the token `bob`. */
export const BOB = '0190a000-0000-7000-8000-00000000000b';

/** Knows the tokens that are the names of `principals`. */
export function tokensOf(principals: Readonly<Record<string, Principal>>): TokenVerifier {
  return {
    async verify(token) {
      const principal = principals[token];
      if (principal === undefined) throw coreErrors.create.invalid_token('The token is not known.');
      return principal;
    },
  };
}

/** Knows the tokens `admin`, `alice` and `bob`. */
export const testTokens: TokenVerifier = tokensOf({
  admin: { kind: 'system' },
  alice: { kind: 'user', id: ALICE, claims: {} },
  bob: { kind: 'user', id: BOB, claims: {} },
});
