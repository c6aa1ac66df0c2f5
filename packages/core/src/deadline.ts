import { untilAborted } from './aborted.js';
import type { CancelSignal } from './ports/queryable.js';

/** The work had `timeoutMs` milliseconds and did not settle in them. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';

  constructor(readonly timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
  }
}

/**
 * Settles as `work` does, which has to heed its signal: that aborts after `timeoutMs`, or as soon as `outer` does. In place
 * of `AbortSignal.any`, which nobody keeps alive on Node 20 who only waits for it.
 */
export async function withTimeout<T>(
  timeoutMs: number,
  work: (signal: AbortSignal) => T | Promise<T>,
  outer?: CancelSignal,
): Promise<T> {
  const controller = new AbortController();
  const giveUp = () => controller.abort(outer?.reason);
  const timer = setTimeout(() => controller.abort(new DeadlineExceeded(timeoutMs)), timeoutMs);
  if (outer?.aborted) giveUp();
  outer?.addEventListener('abort', giveUp, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', giveUp);
  }
}

/**
 * Settles as `work` does, or rejects once `timeoutMs` is over or `outer` aborts. Work that ignores its signal goes on
 * unobserved, and nothing it does later is seen.
 * @throws DeadlineExceeded, the reason of `outer`, or what `work` throws
 */
export function withDeadline<T>(
  timeoutMs: number,
  work: (signal: AbortSignal) => T | Promise<T>,
  outer?: CancelSignal,
): Promise<T> {
  return withTimeout(timeoutMs, (signal) => untilAborted(run(work, signal), signal), outer);
}

/** As a promise, also of what is thrown at once. */
async function run<T>(work: (signal: AbortSignal) => T | Promise<T>, signal: AbortSignal): Promise<T> {
  return work(signal);
}
