/**
 * The chunks of `source` until `signal` aborts; then rejects with its reason at once, without waiting for the next
 * chunk, which a stalled sender may never send.
 */
export async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let finished = false;
  try {
    for (;;) {
      const step = await untilAborted(iterator.next(), signal);
      if (step.done === true) {
        finished = true;
        return;
      }
      yield step.value;
    }
  } finally {
    // Not awaited: while a `next` is pending, `return` of a generator waits for it.
    if (!finished) void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

/** `work`, or a rejection with the reason of `signal` as soon as it aborts. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    // Removed each time: one request's signal outlives thousands of chunks.
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
