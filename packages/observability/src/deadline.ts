/** The work had `timeoutMs` milliseconds and did not settle in them. */
export class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';

  constructor(readonly timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
  }
}

/**
 * Settles as `work` does, or rejects once `timeoutMs` is over or `outer` aborts. The signal it passes aborts then; work
 * that ignores it goes on unobserved, and nothing it does later is seen.
 * @throws DeadlineExceeded, the reason of `outer`, or what `work` throws
 */
export function withDeadline<T>(
  timeoutMs: number,
  work: (signal: AbortSignal) => T | Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const controller = new AbortController();
  return new Promise<T>((resolve, reject) => {
    const giveUp = (reason: unknown) => {
      controller.abort(reason);
      reject(reason);
    };
    const onOuterAbort = () => giveUp(outer?.reason);
    const timer = setTimeout(() => giveUp(new DeadlineExceeded(timeoutMs)), timeoutMs);
    if (outer?.aborted) onOuterAbort();
    outer?.addEventListener('abort', onOuterAbort, { once: true });
    const run = async () => work(controller.signal);
    run()
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer);
        outer?.removeEventListener('abort', onOuterAbort);
      });
  });
}
