import { setTimeout as delay } from 'node:timers/promises';
import { jitteredDelayMs, type Logger, reasonOf, SQLSTATE, withTimeout } from '@reactor/core';
import { DatabaseError } from 'pg';
import { PasswordMissingError } from './client.js';
import { isLoginRefusal } from './errors.js';
import type { PingResult } from './ping-result.js';

/** The database was not reached; the message says where and why, without a password. */
export class DatabaseUnreachableError extends Error {
  override readonly name = 'DatabaseUnreachableError';
}

/** One attempt may take this long; a server that freezes in the handshake is asked again. */
const ATTEMPT_TIMEOUT_MS = 5_000;

export interface WaitOptions {
  readonly ping: (signal: AbortSignal) => Promise<PingResult>;
  readonly description: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Pings until the database answers.
 * @throws DatabaseUnreachableError when `signal` aborts first, or at once for what waiting does not repair
 */
export async function waitUntilReady({ ping, description, logger, signal }: WaitOptions): Promise<PingResult> {
  let reason = 'it was not asked';
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      return await withTimeout(ATTEMPT_TIMEOUT_MS, ping, signal);
    } catch (error) {
      // Our own giving up says nothing about the server; what it said before does.
      if (!signal.aborted || attempt === 0) reason = reasonOf(error);
      if (isPermanent(error)) break;
    }
    if (attempt === 0) logger.info('waiting for the database', { database: description, reason });
    await delay(jitteredDelayMs(attempt, { firstMs: 50, maxMs: 1_000 }), undefined, { signal }).catch(() => {});
  }
  throw new DatabaseUnreachableError(`cannot connect to ${description}: ${reason}`);
}

function isPermanent(error: unknown): boolean {
  const { cause } = error as Error;
  if (cause instanceof PasswordMissingError) return true;
  return isLoginRefusal(cause) || (cause instanceof DatabaseError && cause.code === SQLSTATE.invalidCatalogName);
}
