/**
 * Where every duration comes from. Inject your own to drive time in a test.
 */
export interface Clock {
  /** Nanoseconds since an arbitrary origin. Never goes back, so it must not be wall time. */
  now(): number;
}

/** The runtime's monotonic clock: `process.hrtime()` where there is one, else `performance.now()`. */
export function systemClock(): Clock {
  // Optimized code keeps this array off the heap, while `performance.now()` allocates its result at every call.
  const hrtime = globalThis.process?.hrtime;
  if (typeof hrtime === 'function') {
    const [origin] = hrtime();
    return {
      now() {
        const [seconds, nanos] = hrtime();
        return (seconds - origin) * 1e9 + nanos;
      },
    };
  }
  // Bound once: the receiver check of `performance.now` costs as much as the clock itself.
  const milliseconds = performance.now.bind(performance);
  return { now: () => milliseconds() * 1e6 };
}
