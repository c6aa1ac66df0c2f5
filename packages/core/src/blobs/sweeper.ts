import type { Clock } from '../ports/index.js';
import type { BlobStore } from './blob-store.js';

/**
 * Which blobs of one owner are in use, and which are to be removed: the truth that a sweeper acts on. The first to write a key
 * down has it: what was committed can no longer be condemned, and what was condemned no longer committed.
 */
export interface BlobLedger {
  /** Below which every blob of this ledger lies, and nobody else's: `objects/<id>`. */
  folder(): Promise<string>;
  /** Marks those of `keys` to be removed that are not written down. @returns how many */
  condemnUnknown(keys: readonly string[]): Promise<number>;
  /** Up to `limit` keys to be removed, those that wait longest first. */
  condemned(limit: number): Promise<readonly string[]>;
  /** The bytes of these condemned blobs are gone. */
  markRemoved(keys: readonly string[]): Promise<void>;
  /** Drops what is written down of blobs that were removed so long ago that nobody can still commit them. */
  forgetRemoved(): Promise<void>;
}

/** What one pass removed, in files. */
export interface SweepResult {
  /** Left by writes that broke off; of all owners of the store. */
  readonly temporary: number;
  /** Whole blobs that were never committed. */
  readonly orphan: number;
  /** Blobs that are no longer in use, and the orphans. */
  readonly condemned: number;
}

/** What a sweeper works on. */
export interface BlobSweeperOptions {
  readonly ledger: BlobLedger;
  readonly blobs: BlobStore;
  readonly clock: Clock;
}

/**
 * Milliseconds that a blob nobody has written down is left alone, because it may still be committed: more than any request
 * may last. Also the time between two searches for such blobs.
 */
const GRACE_MS = 3_600_000;
/** Keys in one statement: some 40 kB of text. */
const BATCH = 500;

/**
 * Removes the blobs of one owner that nobody uses. Several servers may sweep one ledger and one store: what one has
 * removed is not an error to another.
 */
export class BlobSweeper {
  readonly #options: BlobSweeperOptions;
  #lastSearch = Number.NEGATIVE_INFINITY;

  constructor(options: BlobSweeperOptions) {
    this.#options = options;
  }

  /**
   * One pass; ends after the current blob when `signal` aborts.
   * @throws what the store and the ledger throw; what was removed by then stays removed
   */
  async sweep(signal: AbortSignal): Promise<SweepResult> {
    const { blobs, clock } = this.#options;
    let [temporary, orphan] = [0, 0];
    if (clock.now() - this.#lastSearch >= GRACE_MS) {
      temporary = await blobs.sweepTemporary(GRACE_MS);
      orphan = await this.#condemnOrphans(signal);
      this.#lastSearch = clock.now();
    }
    return { temporary, orphan, condemned: await this.#removeCondemned(signal) };
  }

  async #condemnOrphans(signal: AbortSignal): Promise<number> {
    const { blobs, ledger, clock } = this.#options;
    const newest = clock.now() - GRACE_MS;
    let found = 0;
    let batch: string[] = [];
    for await (const { key, modifiedAt } of blobs.list(await ledger.folder())) {
      signal.throwIfAborted();
      if (modifiedAt < newest) batch.push(key);
      if (batch.length === BATCH) {
        found += await ledger.condemnUnknown(batch);
        batch = [];
      }
    }
    return batch.length === 0 ? found : found + (await ledger.condemnUnknown(batch));
  }

  async #removeCondemned(signal: AbortSignal): Promise<number> {
    const { blobs, ledger } = this.#options;
    let removed = 0;
    for (;;) {
      const keys = await ledger.condemned(BATCH);
      if (keys.length === 0) break;
      for (const key of keys) {
        signal.throwIfAborted();
        await blobs.delete(key);
      }
      await ledger.markRemoved(keys);
      removed += keys.length;
    }
    await ledger.forgetRemoved();
    return removed;
  }
}
