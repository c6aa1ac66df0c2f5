import { untilAborted } from '@reactor/core';

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
