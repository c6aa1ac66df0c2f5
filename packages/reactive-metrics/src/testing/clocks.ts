import type { SchedulerLike } from 'rxjs';
import type { Clock } from '../clock.js';

/** A clock that only goes when told to. */
export interface ManualClock extends Clock {
  /** @param nanos not negative: the clock of a registry never goes back */
  advance(nanos: number): void;
}

/** A clock that starts at 0. */
export function manualClock(): ManualClock {
  let now = 0;
  return {
    now: () => now,
    advance(nanos) {
      if (!(nanos >= 0)) throw new RangeError(`a clock advances by 0 or more nanoseconds, got ${nanos}`);
      now += nanos;
    },
  };
}

/** A clock that shows the scheduler's time, so that a marble test can say what was measured. */
export function clockFrom(scheduler: Pick<SchedulerLike, 'now'>): Clock {
  return { now: () => scheduler.now() * 1e6 };
}
