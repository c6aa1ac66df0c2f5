import type { BlobStore, Clock, Logger } from '@reactor/core';
import type { StorageMetrics } from './metrics.js';
import { blobFolder } from './objects.js';
import type { BlobLedger } from './store/blobs.js';

/** What one pass removed, in files. */
export interface SweepResult {
  /** Left by uploads that did not come in whole. */
  readonly temporary: number;
  /** Whole blobs of uploads that were not committed. */
  readonly orphan: number;
  /** Blobs of objects that were deleted or replaced, and the orphans. */
  readonly condemned: number;
}

export interface SweeperOptions {
  readonly ledger: BlobLedger;
  readonly blobs: BlobStore;
  readonly metrics: StorageMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  /**
   * Milliseconds that a file without an object is left alone, because its upload may still be running. Default 1 hour,
   * more than any request may last. Also the time between two searches for such files.
   */
  readonly graceMs?: number;
}

/** Deleting an object frees its space within about this time. Each server asks the database this often. */
const INTERVAL_MS = 60_000;
/** The first pass comes soon after the start: a crash is what leaves most of what there is to remove. */
const FIRST_MS = 2_000;
/** Keys in one statement: some 40 kB of text. */
const BATCH = 500;

/**
 * Removes the files that no object points to. Several servers may sweep one database and one folder: what one has
 * removed is no error to another.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #graceMs: number;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #swept = false;
  #pass: Promise<void> = Promise.resolve();
  #lastSearch = Number.NEGATIVE_INFINITY;

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#graceMs = options.graceMs ?? 3_600_000;
  }

  /** Sweeps in the background until `stop`. */
  start(): void {
    if (this.#timer !== undefined || this.#stopping.signal.aborted) return;
    const interval = this.#swept ? INTERVAL_MS : FIRST_MS;
    // Half to one and a half intervals: servers that start together do not sweep together.
    this.#timer = setTimeout(
      () => {
        this.#swept = true;
        this.#pass = this.#runInBackground().finally(() => {
          this.#timer = undefined;
          this.start();
        });
      },
      interval * (0.5 + Math.random()),
    );
    this.#timer.unref();
  }

  /** Ends after the file at hand, or when `deadline` aborts. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await Promise.race([this.#pass, aborted(deadline)]);
  }

  async #runInBackground(): Promise<void> {
    const { logger, metrics } = this.#options;
    try {
      const result = await this.run();
      if (Object.values(result).some((count) => count > 0)) logger.info('sweep removed files', { ...result });
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      metrics.sweepFailed();
      logger.error('sweep failed', { error });
    }
  }

  /** One pass. @throws what the blob store or the database throw; what was removed by then stays removed */
  async run(): Promise<SweepResult> {
    const { metrics, clock } = this.#options;
    let [temporary, orphan] = [0, 0];
    if (clock.now() - this.#lastSearch >= this.#graceMs) {
      temporary = await this.#options.blobs.sweepUnfinished(this.#graceMs);
      orphan = await this.#condemnOrphans();
      this.#lastSearch = clock.now();
    }
    const condemned = await this.#removeCondemned();
    const result = { temporary, orphan, condemned };
    metrics.swept(result);
    return result;
  }

  async #condemnOrphans(): Promise<number> {
    const { blobs, ledger, clock } = this.#options;
    const newest = clock.now() - this.#graceMs;
    let found = 0;
    let batch: string[] = [];
    for await (const { key, modifiedAt } of blobs.list(blobFolder(await ledger.storeId()))) {
      this.#stopping.signal.throwIfAborted();
      if (modifiedAt < newest) batch.push(key);
      if (batch.length === BATCH) {
        found += await ledger.condemnUnknown(batch);
        batch = [];
      }
    }
    return batch.length === 0 ? found : found + (await ledger.condemnUnknown(batch));
  }

  async #removeCondemned(): Promise<number> {
    const { blobs, ledger } = this.#options;
    let removed = 0;
    for (;;) {
      const keys = await ledger.condemned(BATCH);
      if (keys.length === 0) break;
      for (const key of keys) {
        this.#stopping.signal.throwIfAborted();
        await blobs.delete(key);
      }
      await ledger.markRemoved(keys);
      removed += keys.length;
    }
    await ledger.forgetRemoved();
    return removed;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
