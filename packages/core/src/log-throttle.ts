import type { Clock } from './ports/index.js';

/** What others can make happen without end, and the log shall hear of seldom. */
export class LogThrottle {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #say: (count: number) => void;
  #count = 0;
  #nextAt = Number.NEGATIVE_INFINITY;

  /**
   * @param everyMs `say` is called at most this often
   * @param say gets how often it happened since it was called last
   */
  constructor(clock: Clock, everyMs: number, say: (count: number) => void) {
    this.#clock = clock;
    this.#everyMs = everyMs;
    this.#say = say;
  }

  happened(): void {
    this.#count++;
    const now = this.#clock.monotonic();
    if (now < this.#nextAt) return;
    this.#say(this.#count);
    this.#nextAt = now + this.#everyMs;
    this.#count = 0;
  }
}
