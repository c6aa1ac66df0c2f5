import type { IncomingMessage, ServerResponse } from 'node:http';
import { coreErrors, type ReactorError } from '@reactor/core';

/** A request that waits for its answer, and what was last seen of it. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  /** Bytes of its connection, in both directions; -1 before the first look. */
  moved: number;
  /** Monotonic milliseconds of the look that saw them move. */
  since: number;
}

/**
 * Whether nothing moved for `timeoutMs`: no byte of its body arrives and no answer begins, or the client takes no byte of
 * the answer. A slow upload or a quiet log stream is not stalled. Looked at by one timer for all, so that it costs no
 * request anything.
 */
export function isStalled(exchange: Exchange, now: number, timeoutMs: number): boolean {
  const { incoming, outgoing } = exchange;
  // What waits in our buffers is not progress; what the client took is.
  const waiting = outgoing.writableLength;
  const moved = incoming.socket.bytesRead + incoming.socket.bytesWritten - waiting;
  // A quiet stream may take its time, unless its client has closed its side and has most likely gone.
  const quiet = outgoing.headersSent && waiting === 0 && !incoming.socket.readableEnded;
  if (moved !== exchange.moved || quiet) {
    exchange.moved = moved;
    exchange.since = now;
    return false;
  }
  return now - exchange.since >= timeoutMs;
}

/** Why a stalled request without an answer is given up. */
export function stallOf({ incoming }: Exchange): ReactorError {
  return incoming.complete
    ? coreErrors.create.response_timeout('The server had no answer within server.request_timeout_secs.')
    : coreErrors.create.request_timeout('The body made no progress within server.request_timeout_secs.');
}
