import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIPv6 } from 'node:net';
import {
  bearerToken,
  coreErrors,
  type IsOperator,
  type Peer,
  type ReactorEnv,
  requestOf,
  setPrincipal,
  type TokenVerifier,
} from '@reactor/core';
import type { MiddlewareHandler } from 'hono';

export interface AdminGate {
  /** Middleware of `/_admin/*`: 403 for a remote peer before the token is looked at, 401 for a wrong or missing one. */
  readonly guard: MiddlewareHandler<ReactorEnv>;
  readonly isOperator: IsOperator;
  /** Accepts the admin token as the system identity under the same rule; every other token goes to `users`. */
  verifier(users: TokenVerifier): TokenVerifier;
}

export function createAdminGate({ token, allowRemote }: { token: string; allowRemote: boolean }): AdminGate {
  const expected = digest(token);
  // Its length is no secret, and most that is presented is the long token of a user.
  const isAdmin = (presented: string) =>
    presented.length === token.length && timingSafeEqual(digest(presented), expected);
  const refuseRemote = (peer: Peer | undefined) => {
    if (allowRemote || (peer !== undefined && !peer.forwarded && isLoopback(peer.address))) return;
    throw coreErrors.create.forbidden(
      'The admin token works only from this machine. Set admin.allow_remote = true to allow other machines.',
    );
  };
  const accepts = (presented: string | undefined, peer: Peer | undefined) => {
    if (presented === undefined || !isAdmin(presented)) return false;
    refuseRemote(peer);
    return true;
  };
  return {
    guard: async (c, next) => {
      refuseRemote(requestOf(c).peer);
      const presented = bearerToken(c);
      if (presented === undefined || !isAdmin(presented)) {
        throw coreErrors.create.unauthorized('This route needs the admin token: Authorization: Bearer <token>.', {
          headers: { 'WWW-Authenticate': 'Bearer' },
        });
      }
      setPrincipal(c, { kind: 'system' });
      await next();
    },
    isOperator: (c) => accepts(bearerToken(c), requestOf(c).peer),
    verifier: (users) => ({
      verify: async (presented, c) =>
        accepts(presented, c && requestOf(c).peer) ? { kind: 'system' } : users.verify(presented, c),
    }),
  };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** IPv4-mapped IPv6 addresses included. */
function isLoopback(address: string): boolean {
  return loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Equal length for the comparison, whatever was sent. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
