import type { Clock } from '@reactor/core';

const INTERVAL_MS = 60_000;

/** What others can make happen without end, and the log shall hear of once a minute at most. */
export class OnceAMinute {
  readonly #clock: Clock;
  readonly #say: (count: number) => void;
  #count = 0;
  #nextAt = Number.NEGATIVE_INFINITY;

  /** @param say gets how often it happened since it was called last */
  constructor(clock: Clock, say: (count: number) => void) {
    this.#clock = clock;
    this.#say = say;
  }

  happened(): void {
    this.#count++;
    const now = this.#clock.monotonic();
    if (now < this.#nextAt) return;
    this.#say(this.#count);
    this.#nextAt = now + INTERVAL_MS;
    this.#count = 0;
  }
}
