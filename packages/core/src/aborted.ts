import type { CancelSignal } from './ports/queryable.js';

/**
 * Settles as `work` does, or rejects with the reason of `signal` as soon as it aborts. What `work` does afterwards is not
 * seen.
 */
export function untilAborted<T>(work: Promise<T>, signal: CancelSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    // Removed each time: one signal outlives thousands of waits.
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Resolves when `work` has settled, however it ended, or `deadline` aborts. */
export async function settledBefore(work: Promise<unknown>, deadline: CancelSignal): Promise<void> {
  await untilAborted(
    work.catch(() => {}),
    deadline,
  ).catch(() => {});
}
