/** Longest stretch of synchronous work, milliseconds: well below the 10 ms for which other requests may be held up. */
const SLICE_MS = 3;

/** A pause to await between small steps: it yields to the event loop once a slice is used up, else at once. */
export function createBreathe(): () => Promise<void> {
  let sliceStart = performance.now();
  return async () => {
    if (performance.now() - sliceStart < SLICE_MS) return;
    await new Promise((resolve) => setImmediate(resolve));
    sliceStart = performance.now();
  };
}
