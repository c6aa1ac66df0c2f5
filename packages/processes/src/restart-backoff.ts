import { type Clock, jitteredDelayMs } from '@reactor/core';

/** Bounds of the delay; the number of attempts has none. */
export interface RestartBackoffOptions {
  /** The first delay; each further one is twice as long. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** A run of this length was healthy: the next death starts with the first delay again. */
  readonly healthyAfterMs: number;
  readonly clock: Clock;
}

/** How long to wait before what keeps dying is started again. */
export class RestartBackoff {
  readonly #options: RestartBackoffOptions;
  #attempt = 0;
  #startedMs: number;

  constructor(options: RestartBackoffOptions) {
    this.#options = options;
    this.#startedMs = options.clock.monotonic();
  }

  /** A run begins now. */
  started(): void {
    this.#startedMs = this.#options.clock.monotonic();
  }

  /** The run is over. */
  ended(): { readonly delayMs: number; readonly attempt: number } {
    const { clock, healthyAfterMs } = this.#options;
    if (clock.monotonic() - this.#startedMs > healthyAfterMs) this.#attempt = 0;
    const delayMs = Math.round(jitteredDelayMs(this.#attempt, this.#options));
    this.#attempt += 1;
    return { delayMs, attempt: this.#attempt };
  }
}
