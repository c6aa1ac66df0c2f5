import { coreErrors, type Principal, type TokenVerifier } from '@reactor/core';

export const ALICE = '0190a000-0000-7000-8000-00000000000a';
export const BOB = '0190a000-0000-7000-8000-00000000000b';

const PRINCIPALS: Readonly<Record<string, Principal>> = {
  admin: { kind: 'system' },
  alice: { kind: 'user', id: ALICE, claims: {} },
  bob: { kind: 'user', id: BOB, claims: {} },
};

/** Knows the tokens `admin`, `alice` and `bob`. */
export const testTokens: TokenVerifier = {
  async verify(token) {
    const principal = PRINCIPALS[token];
    if (principal === undefined) throw coreErrors.create.invalid_token('The token is not known.');
    return principal;
  },
};
