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
