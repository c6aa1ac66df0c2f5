import type { Clock } from '@reactor/core';

/** Longest stretch of synchronous work, milliseconds: well below the 10 ms a scrape may hold up other requests. */
const SLICE_MS = 3;

/** A pause to await between small steps: it yields to the event loop once a slice is used up, else at once. */
export function createBreathe(clock: Clock): () => Promise<void> {
  let sliceStart = clock.monotonic();
  return async () => {
    if (clock.monotonic() - sliceStart < SLICE_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    sliceStart = clock.monotonic();
  };
}
