import type { ClientConfig } from 'pg';
import { unavailable } from './errors.js';
import type { PingResult } from './ping-result.js';
import { roundTrip } from './round-trip.js';

const VERSION = "SELECT current_setting('server_version') AS version";

interface Attempt {
  readonly result: Promise<PingResult>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Pings on connections of their own, so that neither an exhausted pool nor a dead pooled connection decides the answer.
 * Callers that come while a ping is under way share it; it is broken off when the last of them has given up.
 */
export function createPing(config: () => ClientConfig): (signal: AbortSignal) => Promise<PingResult> {
  let current: Attempt | undefined;

  function begin(): Attempt {
    const controller = new AbortController();
    const attempt: Attempt = { controller, waiting: 0, result: roundTrip(config(), VERSION, controller.signal) };
    const over = () => {
      if (current === attempt) current = undefined;
    };
    attempt.result.then(over, over);
    return attempt;
  }

  return async (signal) => {
    if (signal.aborted) throw gaveUp(signal.reason);
    current ??= begin();
    const attempt = current;
    attempt.waiting += 1;
    let giveUp: () => void = () => {};
    const aborted = new Promise<never>((_, reject) => {
      giveUp = () => reject(gaveUp(signal.reason));
      signal.addEventListener('abort', giveUp, { once: true });
    });
    try {
      return await Promise.race([attempt.result, aborted]);
    } finally {
      signal.removeEventListener('abort', giveUp);
      attempt.waiting -= 1;
      if (attempt.waiting === 0 && current === attempt) {
        current = undefined;
        attempt.controller.abort();
      }
    }
  };
}

function gaveUp(cause: unknown) {
  return unavailable('The database did not answer in time.', cause);
}
