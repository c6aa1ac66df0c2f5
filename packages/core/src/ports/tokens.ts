import type { Context } from 'hono';
import type { ReactorEnv } from '../http/env.js';
import type { Principal } from '../principal.js';

/** Turns a bearer token into the caller. Supplied by auth, or by the app that mounts a capability alone. */
export interface TokenVerifier {
  /**
   * @param context of the request that brought it, which says from where and for which tenant
   * @throws ReactorError `invalid_token` (401) for a token that is unknown, malformed or expired
   */
  verify(token: string, context?: Context<ReactorEnv>): Promise<Principal>;
}

/** Tokens that code of the operator's has got from its capability: functions. */
export interface ServiceTokens {
  /**
   * Undefined for a token of another kind, which says so without being verified.
   * @throws ReactorError `invalid_token` (401) for one of this kind that is malformed, expired or not accepted any more
   */
  verify(token: string, context?: Context<ReactorEnv>): Promise<Principal | undefined>;
}

/** Asks those who know the kind of a token before `users`. @param services asked at each call: they come after it */
export function withServiceTokens(users: TokenVerifier, services: () => ServiceTokens | undefined): TokenVerifier {
  return {
    verify: async (token, context) => (await services()?.verify(token, context)) ?? users.verify(token, context),
  };
}
