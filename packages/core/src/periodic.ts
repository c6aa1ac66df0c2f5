import { settledBefore } from './aborted.js';

/** What is done again and again. A pass that fails is followed by the next one after the same time. */
export interface PeriodicOptions {
  /** Milliseconds between the end of one pass and the beginning of the next, on average. */
  readonly intervalMs: number;
  /** Milliseconds from `start` to the first pass, on average. Default `intervalMs`. */
  readonly firstMs?: number;
  /** One pass. Ends early, by throwing, when the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Told how each pass ended, to count and log it; not of one that `stop` cut short. */
  onEnd(result: 'ok' | 'failed', error?: unknown): void;
}

/** A loop in the background: one pass at a time, and never in step with another server. */
export class Periodic {
  readonly #options: PeriodicOptions;
  #stopping: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pass: Promise<void> = Promise.resolve();

  constructor(options: PeriodicOptions) {
    this.#options = options;
  }

  /** Safe twice, and after `stop`. */
  start(): void {
    if (this.#stopping !== undefined) return;
    this.#stopping = new AbortController();
    this.#schedule(this.#options.firstMs ?? this.#options.intervalMs);
  }

  /** Begins no further pass, and waits for the one under way until `deadline` aborts. Safe before `start` and twice. */
  async stop(deadline: AbortSignal): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopping?.abort();
    this.#stopping = undefined;
    await settledBefore(this.#pass, deadline);
  }

  #schedule(delayMs: number): void {
    const signal = this.#stopping?.signal;
    if (signal === undefined) return;
    // Half to one and a half of it: servers that start together do not work together.
    this.#timer = setTimeout(
      () => {
        this.#pass = this.#run(signal);
      },
      delayMs * (0.5 + Math.random()),
    );
    this.#timer.unref();
  }

  async #run(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.run(signal);
      this.#options.onEnd('ok');
    } catch (error) {
      if (!signal.aborted) this.#options.onEnd('failed', error);
    }
    if (!signal.aborted) this.#schedule(this.#options.intervalMs);
  }
}
