import type { Clock, Logger } from '@reactor/core';
import type { AuthMetrics } from './metrics.js';
import type { AuthStore } from './store.js';

const HOUR_MS = 3_600_000;

/** Removes what has expired, hourly. Nothing depends on it but the size of two tables. */
export class Sweep {
  readonly #store: AuthStore;
  readonly #metrics: AuthMetrics;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(store: AuthStore, metrics: AuthMetrics, clock: Clock, logger: Logger) {
    this.#store = store;
    this.#metrics = metrics;
    this.#clock = clock;
    this.#logger = logger;
  }

  start(): void {
    this.#stopped = false;
    this.#schedule();
  }

  /** One sweep. Never rejects; a failure is counted and logged. */
  async run(): Promise<void> {
    try {
      const removed = await this.#store.deleteExpired(new Date(this.#clock.now()));
      this.#metrics.swept('ok');
      if (removed > 0) this.#logger.debug('expired sessions removed', { rows: removed });
    } catch (error) {
      this.#metrics.swept('error');
      this.#logger.warn('removing expired sessions failed', { error });
    }
  }

  /** Waits for a running sweep, at most until `deadline` aborts. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#running === undefined || deadline.aborted) return;
    const aborted = new Promise<void>((resolve) => deadline.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([this.#running, aborted]);
  }

  #schedule(): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#running = this.run().finally(() => {
          this.#running = undefined;
          this.#schedule();
        });
      },
      // Half an hour to an hour and a half: several servers do not sweep in step.
      HOUR_MS * (0.5 + Math.random()),
    );
    this.#timer.unref();
  }
}
