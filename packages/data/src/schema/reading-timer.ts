const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 30_000;

/** Reading again without being told takes at most a tenth of the time, however large the schema is. */
const PAUSE_FACTOR = 9;

/**
 * Calls `work` once more after it has ended, as its result asks. Nothing before `enable`. No `Periodic`: when the next one
 * comes depends on how this one ended, how long it took and whether anybody announces changes; and it may be called by others.
 */
export class ReadingTimer {
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

  /** Each time later, from about 1 s to about 30 s. */
  afterFailure(): void {
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, MAX_RETRY_MS);
    this.#failures = Math.min(this.#failures + 1, 10);
    this.#schedule(delayMs * 0.75, delayMs * 1.25);
  }

  /**
   * @param tookMs how long `work` took
   * @param everyMs undefined when it need not be called again
   */
  afterSuccess(tookMs: number, everyMs: number | undefined): void {
    clearTimeout(this.#timer);
    this.#failures = 0;
    if (everyMs === undefined) return;
    const delayMs = Math.max(everyMs, tookMs * PAUSE_FACTOR);
    this.#schedule(delayMs, delayMs * 1.25);
  }

  stop(): void {
    this.#enabled = false;
    clearTimeout(this.#timer);
  }

  /** Several servers on one database must not ask it at the same moment. */
  #schedule(fromMs: number, toMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#enabled) return;
    const delayMs = fromMs + Math.random() * (toMs - fromMs);
    this.#timer = setTimeout(() => this.#work().catch(() => {}), delayMs);
    this.#timer.unref();
  }
}
