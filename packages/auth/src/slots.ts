import { coreErrors } from '@reactor/core';

/**
 * scrypt runs on libuv's pool, which has four threads and also verifies everybody's tokens: one stays free for those.
 * A sign-up also holds a database connection meanwhile, and only so many may.
 */
const PARALLEL_HASHES = 3;
/** At about 80 ms a hash the last of them waits some 4 s. */
const MAX_WAITING = 128;

/** For all passwords of this process. */
export function hashingSlots(): Slots {
  return new Slots(PARALLEL_HASHES, MAX_WAITING);
}

/** Limits how many pieces of work run at once, and how many wait. */
export class Slots {
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(parallel: number, maxWaiting: number) {
    this.#free = parallel;
    this.#maxWaiting = maxWaiting;
  }

  /** @throws ReactorError `too_many_requests` (429) when no more may wait */
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
