import { setTimeout as delay } from 'node:timers/promises';
import { jitteredDelayMs } from '../backoff.js';
import { isSqlError, SQLSTATE } from '../sqlstate.js';

/** How long DDL waits for locks. */
export interface LockPatience {
  /** Milliseconds of one wait. Everybody who comes later, readers too, waits behind it. */
  readonly lockTimeoutMs: number;
  /** Milliseconds after which no attempt begins any more. */
  readonly totalMs: number;
}

/** Waiting a second behind DDL is noticed but acceptable; the whole is less than a client of HTTP waits for an answer. */
export const migrationPatience: LockPatience = { lockTimeoutMs: 1_000, totalMs: 20_000 };

const LOCK_STATES: ReadonlySet<string> = new Set([SQLSTATE.lockNotAvailable, SQLSTATE.deadlockDetected]);

/** Whether an error, or its cause, says that a lock was not available. */
export function isLockFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (isSqlError(error) && LOCK_STATES.has(error.code)) || isLockFailure(error.cause);
}

/** Tries until a lock is there, with growing pauses, in which others may pass. @throws the last error */
export async function retryWhileLocked<T>(
  { lockTimeoutMs, totalMs }: LockPatience,
  attempt: () => Promise<T>,
  onRetry: (error: unknown) => void = () => {},
): Promise<T> {
  const end = performance.now() + totalMs;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const pauseMs = jitteredDelayMs(failures, { firstMs: lockTimeoutMs, maxMs: lockTimeoutMs * 4 });
      if (!isLockFailure(error) || performance.now() + pauseMs >= end) throw error;
      onRetry(error);
      await delay(pauseMs);
    }
  }
}
