const FIRST_MS = 1_000;
const MAX_MS = 30_000;

/** Calls `work` again after failures, each time later, from about 1 s to about 30 s. Nothing before `enable`. */
export class RetryTimer {
  readonly #work: () => Promise<unknown>;
  #enabled = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(work: () => Promise<unknown>) {
    this.#work = work;
  }

  enable(): void {
    this.#enabled = true;
  }

  /** After a failure. `work` schedules again when it fails. */
  schedule(): void {
    clearTimeout(this.#timer);
    if (!this.#enabled) return;
    const delayMs = Math.min(FIRST_MS * 2 ** this.#failures, MAX_MS);
    this.#failures = Math.min(this.#failures + 1, 10);
    // Several servers on one database must not ask it at the same moment.
    this.#timer = setTimeout(() => this.#work().catch(() => {}), delayMs * (0.75 + Math.random() / 2));
    this.#timer.unref();
  }

  /** After a success. */
  reset(): void {
    clearTimeout(this.#timer);
    this.#failures = 0;
  }

  stop(): void {
    this.#enabled = false;
    clearTimeout(this.#timer);
  }
}
