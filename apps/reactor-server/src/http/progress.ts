import type { IncomingMessage, ServerResponse } from 'node:http';
import { coreErrors, type ReactorEnv } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';

export interface ProgressWatch {
  /** Middleware: answers for a request whose handler did not, because nothing moved. */
  readonly middleware: MiddlewareHandler<ReactorEnv>;
  /** For every request the listener takes: cuts a connection whose client takes none of the answer. */
  watch(incoming: IncomingMessage, outgoing: ServerResponse): void;
  stop(): void;
}

interface Watched {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  moved: number;
  since: number;
  giveUp?: () => void;
}

/**
 * Gives a request up when nothing moves for `timeoutMs`: no byte of its body arrives and no answer begins, or the
 * client takes no byte of the answer. A slow upload or a quiet log stream is never cut. One timer looks at all
 * requests, so that one request costs a set entry.
 */
export function createProgressWatch(timeoutMs: number): ProgressWatch {
  const requests = new Map<IncomingMessage, Watched>();
  const timer = setInterval(() => {
    const now = performance.now();
    for (const request of requests.values()) inspect(request, now, timeoutMs);
  }, timeoutMs / 4);
  timer.unref();
  return {
    middleware: async (c, next) => {
      const request = requests.get((c.env as { incoming?: IncomingMessage } | undefined)?.incoming as IncomingMessage);
      if (request === undefined) return next();
      const stalled = new Promise<never>((_, reject) => {
        request.giveUp = () => {
          if (c.get('mayTakeLong') === true) return;
          const reason = stall(request.incoming);
          reject(reason);
          c.get('signal')?.abort(reason);
        };
      });
      await Promise.race([next(), stalled]);
    },
    watch(incoming, outgoing) {
      requests.set(incoming, { incoming, outgoing, moved: -1, since: performance.now() });
      outgoing.once('close', () => requests.delete(incoming));
    },
    stop: () => clearInterval(timer),
  };
}

function inspect(request: Watched, now: number, timeoutMs: number): void {
  const { incoming, outgoing } = request;
  const answering = outgoing.headersSent;
  // What waits in our buffers is not progress; what the client took is.
  const waiting = outgoing.writableLength;
  const moved = incoming.socket.bytesRead + incoming.socket.bytesWritten - waiting;
  // A quiet stream may take its time, unless its client has closed its side and has most likely gone.
  const quiet = answering && waiting === 0 && !incoming.socket.readableEnded;
  if (moved !== request.moved || quiet) {
    request.moved = moved;
    request.since = now;
  } else if (now - request.since >= timeoutMs) {
    // After the answer began, cutting is the only way to say that it is not whole.
    if (answering) incoming.socket.destroy();
    else request.giveUp?.();
  }
}

function stall(incoming: IncomingMessage) {
  const headers = { Connection: 'close' };
  return incoming.complete
    ? coreErrors.create.response_timeout('The server had no answer within server.request_timeout_secs.', { headers })
    : coreErrors.create.request_timeout('The body made no progress within server.request_timeout_secs.', { headers });
}
