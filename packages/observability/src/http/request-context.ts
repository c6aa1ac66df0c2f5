import { type Logger, type ReactorEnv, requestIdFrom } from '@reactor/core';
import type { Context, MiddlewareHandler } from 'hono';
import { type AnswerHeaders, createAnswerHeaders } from './answer-headers.js';
import { nodeBindings } from './node-bindings.js';
import { parseTrustedProxies, SocketPeer } from './peer.js';
import { sendHeaders } from './send-headers.js';
import { traceIdFrom } from './traceparent.js';

export interface RequestContextOptions {
  readonly logger: Logger;
  /** Remote address of the socket, e.g. `getConnInfo(c).remote.address`; undefined leaves `peer` unset. */
  readonly peerOf: (c: Context<ReactorEnv>) => string | undefined;
  /** Addresses and CIDR ranges whose `X-Forwarded-For` is trusted. Default none. */
  readonly trustedProxies?: readonly string[];
  /** Of every answer, unless it brings its own. Default `createAnswerHeaders()`. */
  readonly headers?: AnswerHeaders;
}

/**
 * First middleware of the server: request id in and out, headers of every answer, logger, trace id, peer.
 * @throws TypeError naming a trusted proxy that is neither an address nor a CIDR range
 */
export function requestContext(options: RequestContextOptions): MiddlewareHandler<ReactorEnv> {
  const { logger, peerOf, headers = createAnswerHeaders() } = options;
  const isTrusted = parseTrustedProxies(options.trustedProxies ?? []);
  return async (c, next) => {
    const requestId = requestIdFrom(c.req.header('X-Request-Id'));
    const traceId = traceIdFrom(c.req.header('traceparent'));
    c.set('requestId', requestId);
    if (traceId === undefined) {
      c.set('logger', logger.with({ request_id: requestId }));
    } else {
      c.set('traceId', traceId);
      c.set('logger', logger.with({ request_id: requestId, trace_id: traceId }));
    }
    // Code that answers in place of the app finds the id there.
    const { incoming } = nodeBindings(c);
    if (incoming !== undefined) incoming.headers['x-request-id'] = requestId;
    const finishHeaders = sendHeaders(c, requestId, headers);
    const address = peerOf(c);
    if (address !== undefined) c.set('peer', new SocketPeer(address, c.req.raw.headers, isTrusted));
    try {
      await next();
    } catch (thrown) {
      // Hono hands only Errors to the error handler; anything else would end the request without an answer of ours.
      throw thrown instanceof Error ? thrown : new Error('something other than an Error was thrown', { cause: thrown });
    }
    finishHeaders();
  };
}
