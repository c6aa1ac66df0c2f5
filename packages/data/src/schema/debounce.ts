import type { Clock } from '@reactor/core';

/** A script that makes tables announces the next one well before this is over. Milliseconds. */
const QUIET_MS = 100;
/** How long a burst without end may keep the schema from being read. Milliseconds. */
const MAX_WAIT_MS = 1_000;

/**
 * Calls `work` for what may come in bursts: at once for the first, and for what follows it when it has been quiet for a
 * moment, or has not been for a second.
 */
export class Debounce {
  readonly #clock: Clock;
  readonly #work: () => void;
  #lastAt = Number.NEGATIVE_INFINITY;
  /** When the first of those happened that wait for `work`. */
  #waitingSince = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, work: () => void) {
    this.#clock = clock;
    this.#work = work;
  }

  happened(): void {
    const now = this.#clock.monotonic();
    const isQuiet = now - this.#lastAt >= QUIET_MS;
    this.#lastAt = now;
    if (this.#timer === undefined) {
      if (isQuiet) {
        this.#work();
        return;
      }
      this.#waitingSince = now;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#work();
      },
      Math.min(QUIET_MS, this.#waitingSince + MAX_WAIT_MS - now),
    );
    this.#timer.unref();
  }

  /** What waits is dropped. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
