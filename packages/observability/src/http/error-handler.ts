import { type ReactorEnv, ReactorError, toReactorError } from '@reactor/core';
import type { Context, ErrorHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { fromBodyError } from './body-error.js';
import { fromHttpException } from './http-exception.js';
import { nodeBindings } from './node-bindings.js';
import { reasonFields } from './reason.js';

/**
 * Unavailable, and out of storage: the failure was foreseen and named, so a stack would tell nothing, in each
 * line of a long outage.
 */
const OUTAGES: ReadonlySet<number> = new Set([503, 507]);

/**
 * For `app.onError`: answers every error with the one envelope. Only a ReactorError speaks to the caller in its own
 * words; anything unknown is `internal_error` (500), with its stack in the log under the request id.
 */
export const errorHandler: ErrorHandler<ReactorEnv> = async (error, c) => {
  if (clientHasLeft(c)) {
    // Nobody reads the answer, and failing on a vanished client is not a fault; instrumentHttp records it as 499.
    loggerOf(c)?.debug('request failed after its client had left', { error });
    return c.body(null);
  }
  const answer = await toAnswer(error, c);
  const { code, status } = answer;
  c.set('errorCode', code);
  c.set('ownHeaders', false);
  if (OUTAGES.has(status)) {
    loggerOf(c)?.warn('request failed', { code, status, ...reasonFields(answer) });
  } else if (status >= 500) {
    loggerOf(c)?.error('request failed', { code, status, error: answer.cause ?? answer });
  }
  const requestId = c.get('requestId');
  const response = answer.getResponse(requestId);
  if (requestId !== undefined) response.headers.set('X-Request-Id', requestId);
  // RFC 9110 §15.5.2: a 401 must carry a challenge.
  if (answer.status === 401 && !response.headers.has('WWW-Authenticate')) {
    response.headers.set('WWW-Authenticate', 'Bearer');
  }
  return response;
};

async function toAnswer(error: Error, c: Context<ReactorEnv>): Promise<ReactorError> {
  if (error instanceof ReactorError) return error;
  if (error instanceof HTTPException) return fromHttpException(error);
  return (await fromBodyError(error, c.req)) ?? toReactorError(error);
}

function clientHasLeft(c: Context<ReactorEnv>): boolean {
  const { incoming, outgoing } = nodeBindings(c);
  return outgoing?.destroyed === true || (incoming?.destroyed === true && !incoming.complete);
}

function loggerOf(c: Context<ReactorEnv>) {
  return c.get('logger')?.target(`reactor_${c.get('capability') ?? 'server'}`);
}
