import type { Queryable } from '../ports/queryable.js';
import { findLockWaits, type LockWait } from './lock-waits.js';

/** A look takes milliseconds. */
const LOOK_TIMEOUT_MS = 1_000;

/** Looks, from another connection, whom one session waits for. Once the wait is over this can no longer be seen. */
export class LockWatch {
  readonly #database: Queryable;
  readonly #intervalMs: number;
  #last: LockWait | undefined;

  /** @param lockTimeoutMs how long the session waits for a lock: it is looked at twice in that time */
  constructor(database: Queryable, lockTimeoutMs: number) {
    this.#database = database;
    this.#intervalMs = lockTimeoutMs / 2;
  }

  /** What was last seen to wait; undefined when nothing was. */
  get last(): LockWait | undefined {
    return this.#last;
  }

  /** Runs `work` and watches the session `pid` meanwhile. */
  async during<T>(pid: number, work: () => Promise<T>): Promise<T> {
    let look: Promise<void> | undefined;
    const timer = setInterval(() => {
      look ??= this.#look(pid).finally(() => {
        look = undefined;
      });
    }, this.#intervalMs);
    try {
      return await work();
    } finally {
      clearInterval(timer);
      await look;
    }
  }

  /** Only an explanation is lost when it fails. */
  async #look(pid: number): Promise<void> {
    try {
      const waits = await findLockWaits(this.#database, { signal: AbortSignal.timeout(LOOK_TIMEOUT_MS) });
      this.#last = waits.find((wait) => wait.pid === pid) ?? this.#last;
    } catch {}
  }
}
