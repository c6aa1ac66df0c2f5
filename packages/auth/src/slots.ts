import { coreErrors } from '@reactor/core';

/** Lets so many pieces of work run at once and as many wait as it says. */
export class Slots {
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(parallel: number, maxWaiting: number) {
    this.#free = parallel;
    this.#maxWaiting = maxWaiting;
  }

  /** @throws ReactorError `too_many_requests` (429) when as many wait as may */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) {
      this.#free -= 1;
    } else {
      if (this.#waiting.length >= this.#maxWaiting) {
        throw coreErrors.create.too_many_requests('Too many sign-ins are waiting; try again in 1 s.', {
          headers: { 'Retry-After': '1' },
        });
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
