/**
 * Where every duration comes from. Inject your own to drive time in a test.
 */
export interface Clock {
  /** Nanoseconds since an arbitrary origin. Never goes back, so it must not be wall time. */
  now(): number;
}

/** The runtime's monotonic clock (`performance.now()`). */
export function systemClock(): Clock {
  // Bound once: the receiver check of `performance.now` costs as much as the clock itself.
  const milliseconds = performance.now.bind(performance);
  return { now: () => milliseconds() * 1e6 };
}
