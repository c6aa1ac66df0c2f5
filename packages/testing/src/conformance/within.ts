/**
 * Awaits `work` for its timeout and no longer.
 * @param overrunMs what a busy machine may add before lateness counts
 * @throws Error naming what was late
 */
export async function within<T>(
  what: string,
  timeoutMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  overrunMs = 1_000,
): Promise<T> {
  const controller = new AbortController();
  const timeout = setTimeout(() => controller.abort(), timeoutMs);
  let late: NodeJS.Timeout | undefined;
  const overrun = new Promise<never>((_, reject) => {
    late = setTimeout(
      () => reject(new Error(`${what} was not done ${overrunMs} ms after its end`)),
      timeoutMs + overrunMs,
    );
  });
  try {
    return await Promise.race([work(controller.signal), overrun]);
  } finally {
    clearTimeout(timeout);
    clearTimeout(late);
  }
}
