import type { Context, MiddlewareHandler } from 'hono';
import { coreErrors } from '../errors.js';
import type { TokenVerifier } from '../ports/tokens.js';
import type { Principal } from '../principal.js';
import { findRequest, type ReactorEnv } from './env.js';

const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;
const CHALLENGE = { 'WWW-Authenticate': 'Bearer' };

/** The token of the `Authorization` header; undefined when there is none, or one of another form. */
export function bearerToken(c: Context<ReactorEnv>): string | undefined {
  return BEARER.exec(c.req.header('Authorization') ?? '')?.[1];
}

/**
 * Whether the request carries the operator's token.
 * @throws ReactorError `forbidden` (403) for the right token from where it is not accepted
 */
export type IsOperator = (c: Context<ReactorEnv>) => boolean;

/**
 * Middleware: sets `principal` from the `Authorization` header, `anonymous` when there is none.
 * @param tokensOf whose tokens are good for this request
 * @throws ReactorError `invalid_token` (401) for a header of another form or a token that does not verify
 */
export function authenticate(tokensOf: (context: Context<ReactorEnv>) => TokenVerifier): MiddlewareHandler<ReactorEnv> {
  return async (c, next) => {
    if (c.req.header('Authorization') === undefined) {
      setPrincipal(c, { kind: 'anonymous' });
    } else {
      const token = bearerToken(c);
      if (token === undefined) {
        throw coreErrors.create.invalid_token('The Authorization header must have the form "Bearer <token>".', {
          headers: CHALLENGE,
        });
      }
      setPrincipal(c, await tokensOf(c).verify(token, c));
    }
    await next();
  };
}

/** Whoever else has found out who calls says so by this. */
export function setPrincipal(c: Context<ReactorEnv>, principal: Principal): void {
  const request = findRequest(c);
  if (request === undefined) c.set('principal', principal);
  else request.principal = principal;
}

/** The caller, after `authenticate`. */
export function principalOf(c: Context<ReactorEnv>): Principal {
  return findRequest(c)?.principal ?? c.get('principal') ?? { kind: 'anonymous' };
}

/** @throws ReactorError `unauthorized` (401) when nobody is signed in */
export function requireCaller(c: Context<ReactorEnv>): Exclude<Principal, { kind: 'anonymous' }> {
  const principal = principalOf(c);
  if (principal.kind === 'anonymous') {
    throw coreErrors.create.unauthorized('This route needs a bearer token.', { headers: CHALLENGE });
  }
  return principal;
}

/** @throws ReactorError `unauthorized` (401) for nobody, `forbidden` (403) for a user and for a function */
export function requireSystem(c: Context<ReactorEnv>): void {
  const caller = requireCaller(c);
  if (caller.kind !== 'system' || caller.function !== undefined) {
    throw coreErrors.create.forbidden('This route needs the admin token.');
  }
}

/** Middleware, before the input is looked at: a caller who may not call learns nothing about what is accepted. */
export const systemOnly: MiddlewareHandler<ReactorEnv> = async (c, next) => {
  requireSystem(c);
  await next();
};
