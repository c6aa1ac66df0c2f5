import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@reactor/core';
import { jitteredDelayMs } from '../backoff.js';
import { reasonOf } from './errors.js';
import type { PingResult } from './ping.js';

/** The database was not reached; the message says where and why, without a password. */
export class DatabaseUnreachableError extends Error {
  override readonly name = 'DatabaseUnreachableError';
}

/** Waiting does not mend these: wrong password, no such role, no such database. */
const PERMANENT = new Set(['28000', '28P01', '3D000', '42501']);

/** One attempt may take this long; a server that freezes in the handshake is asked anew. */
const ATTEMPT_TIMEOUT_MS = 5_000;

export interface WaitOptions {
  readonly ping: (signal: AbortSignal) => Promise<PingResult>;
  readonly description: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Pings until the database answers.
 * @throws DatabaseUnreachableError when `signal` aborts first, or at once for what waiting does not mend
 */
export async function waitUntilReady({ ping, description, logger, signal }: WaitOptions): Promise<PingResult> {
  for (let attempt = 0; ; attempt++) {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), ATTEMPT_TIMEOUT_MS);
    const giveUp = () => timeout.abort();
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    let failure: unknown;
    try {
      return await ping(timeout.signal);
    } catch (error) {
      failure = error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
    const reason = reasonOf(failure);
    const { code } = ((failure as Error).cause ?? {}) as { code?: string };
    if (signal.aborted || (code !== undefined && PERMANENT.has(code))) {
      throw new DatabaseUnreachableError(`cannot connect to ${description}: ${reason}`, { cause: failure });
    }
    if (attempt === 0) logger.info('waiting for the database', { database: description, reason });
    await delay(jitteredDelayMs(attempt, { firstMs: 50, maxMs: 1_000 }), undefined, { signal }).catch(() => {});
  }
}
