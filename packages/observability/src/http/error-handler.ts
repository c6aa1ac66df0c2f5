import { findRequest, type ReactorEnv, ReactorError, type RequestState, toReactorError } from '@reactor/core';
import type { Context, ErrorHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { fromBodyError } from './body-error.js';
import { fromHttpException } from './http-exception.js';
import type { NodeBindings } from './observed-request.js';
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
  const request = findRequest(c);
  if (request?.givenUp || clientHasLeft(c)) {
    // Nobody reads the answer, and failing on a vanished client is not a fault; it is recorded as 499.
    loggerOf(request)?.debug('request failed after its client had left', { error });
    return c.body(null);
  }
  return answerError(await toAnswer(error, c), request);
};

/** The envelope of an error, which is noted on its request and, where it is a fault or an outage, in the log. */
export function answerError(answer: ReactorError, request: RequestState | undefined): Response {
  noteError(answer, request);
  const requestId = request?.requestId;
  const response = answer.getResponse(requestId);
  if (requestId !== undefined) response.headers.set('X-Request-Id', requestId);
  // RFC 9110 §15.5.2: a 401 must carry a challenge.
  if (answer.status === 401 && !response.headers.has('WWW-Authenticate')) {
    response.headers.set('WWW-Authenticate', 'Bearer');
  }
  return response;
}

/** For an error that is answered in the place of the app. */
export function noteError(answer: ReactorError, request: RequestState | undefined): void {
  const { code, status } = answer;
  if (request !== undefined) {
    request.errorCode = code;
    request.ownHeaders = false;
  }
  if (OUTAGES.has(status)) {
    loggerOf(request)?.warn('request failed', { code, status, ...reasonFields(answer) });
  } else if (status >= 500) {
    loggerOf(request)?.error('request failed', { code, status, error: answer.cause ?? answer });
  }
}

async function toAnswer(error: Error, c: Context<ReactorEnv>): Promise<ReactorError> {
  if (error instanceof ReactorError) return error;
  if (error instanceof HTTPException) return fromHttpException(error);
  return (await fromBodyError(error, c.req)) ?? toReactorError(error);
}

function clientHasLeft(c: Context<ReactorEnv>): boolean {
  const { incoming, outgoing } = (c.env as NodeBindings | undefined) ?? {};
  return outgoing?.destroyed === true || (incoming?.destroyed === true && !incoming.complete);
}

function loggerOf(request: RequestState | undefined) {
  return request?.logger.target(`reactor_${request.capability ?? 'server'}`);
}
