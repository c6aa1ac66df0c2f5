import type { ClientConfig } from 'pg';
import { ReactorClient } from './client.js';
import { unavailable } from './errors.js';

/** What one round trip says. */
export interface PingResult {
  /** As the server names it: `18.4`, `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly version: string;
}

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
    const attempt: Attempt = { controller, waiting: 0, result: roundTrip(config(), controller.signal) };
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

async function roundTrip(config: ClientConfig, signal: AbortSignal): Promise<PingResult> {
  const client = new ReactorClient(config);
  // What ends the connection also rejects connect() or query(), and is reported there.
  client.on('error', () => {});
  const destroy = () => client.connection.stream.destroy();
  signal.addEventListener('abort', destroy, { once: true });
  try {
    await client.connect();
    const { rows } = await client.query<PingResult>("SELECT current_setting('server_version') AS version");
    await client.end();
    return rows[0] as PingResult;
  } catch (error) {
    destroy();
    throw unavailable('The database cannot be reached.', error);
  } finally {
    signal.removeEventListener('abort', destroy);
  }
}
