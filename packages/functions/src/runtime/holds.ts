/** Those of one process at a time; more are no work but an attempt to fill the server with timers. */
const MAX_HOLDS = 10_000;

/** What `waitUntil` of calls promised, until it is done or has had its time. */
export class Holds {
  readonly #maxMs: number;
  readonly #timers = new Map<string, NodeJS.Timeout[]>();
  #count = 0;

  /** @param maxMs after which one is given up */
  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  /**
   * One more of a call.
   * @param onLate told when its time is over; it is still held then
   * @returns false when there are too many
   */
  add(call: string, onLate: () => void): boolean {
    if (this.#count >= MAX_HOLDS) return false;
    this.#count += 1;
    const timers = this.#timers.get(call) ?? [];
    this.#timers.set(call, timers);
    timers.push(setTimeout(onLate, this.#maxMs).unref());
    return true;
  }

  /** @returns false when the call has none, such as after its time */
  release(call: string): boolean {
    const timers = this.#timers.get(call);
    const timer = timers?.shift();
    if (timers?.length === 0) this.#timers.delete(call);
    if (timer === undefined) return false;
    this.#count -= 1;
    clearTimeout(timer);
    return true;
  }

  clear(): void {
    for (const timers of this.#timers.values()) for (const timer of timers) clearTimeout(timer);
  }
}
