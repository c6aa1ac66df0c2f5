import type { Logger, ReactorEnv } from '@reactor/core';
import type { Context, MiddlewareHandler } from 'hono';

export interface RequestContextOptions {
  readonly logger: Logger;
  /** Remote address of the socket, e.g. `getConnInfo(c).remote.address`; undefined leaves `peer` unset. */
  readonly peerOf: (c: Context<ReactorEnv>) => string | undefined;
  /** Addresses and CIDR ranges whose `X-Forwarded-For` is believed. Default none. */
  readonly trustedProxies?: readonly string[];
}

/** First middleware of the server: request id in and out, logger, trace id, peer. */
export function requestContext(_options: RequestContextOptions): MiddlewareHandler<ReactorEnv> {
  throw new Error('not built yet');
}
