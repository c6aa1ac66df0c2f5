import type { Database } from '../ports/database.js';
import type { QueryOptions } from '../ports/queryable.js';
import type { BlobLedger } from './sweeper.js';

/** Whose blobs a ledger keeps. Both are names of ours, never words of a request. */
export interface LedgerOwner {
  /** Schema with the tables `store` (one row, `id`) and `blobs` (`key`, `condemned_at`, `removed_at`). */
  readonly schema: string;
  /** First segment of the keys: `objects`. */
  readonly folder: string;
}

/** Which blobs rows of the owner point to, and which are to be removed, in its own schema. */
export class SqlBlobLedger implements BlobLedger {
  readonly #database: Database;
  readonly #owner: LedgerOwner;
  #storeId: Promise<string> | undefined;

  constructor(database: Database, owner: LedgerOwner) {
    this.#database = database;
    this.#owner = owner;
  }

  /** Of the database: a blob store or a cache that meets another one is not taken for its, nor swept empty by it. */
  async storeId(): Promise<string> {
    this.#storeId ??= this.#readStoreId();
    try {
      return await this.#storeId;
    } catch (error) {
      this.#storeId = undefined;
      throw error;
    }
  }

  async folder(): Promise<string> {
    return `${this.#owner.folder}/${await this.storeId()}`;
  }

  async #readStoreId(): Promise<string> {
    const { rows } = await this.#database.query<{ id: string }>(`SELECT id FROM ${this.#owner.schema}.store`);
    return (rows[0] as { id: string }).id;
  }

  /**
   * Marks those of `keys` to be removed that nothing points to. An upload that has not committed by now no longer can: the
   * key is taken.
   * @returns how many
   */
  async condemnUnknown(keys: readonly string[]): Promise<number> {
    const { rowCount } = await this.#database.query(
      `INSERT INTO ${this.#owner.schema}.blobs (key, condemned_at) SELECT key, now() FROM unnest($1::text[]) AS key
       ON CONFLICT (key) DO NOTHING`,
      [keys],
    );
    return rowCount;
  }

  async condemned(limit: number): Promise<readonly string[]> {
    const { rows } = await this.#database.query<{ key: string }>(
      `SELECT key FROM ${this.#owner.schema}.blobs WHERE condemned_at IS NOT NULL AND removed_at IS NULL
       ORDER BY condemned_at LIMIT $1`,
      [limit],
    );
    return rows.map(({ key }) => key);
  }

  async markRemoved(keys: readonly string[]): Promise<void> {
    await this.#database.query(`UPDATE ${this.#owner.schema}.blobs SET removed_at = now() WHERE key = ANY($1)`, [keys]);
  }

  /** Drops the rows of blobs that were removed a day ago: no upload lives that long. */
  async forgetRemoved(): Promise<void> {
    await this.#database.query(`DELETE FROM ${this.#owner.schema}.blobs WHERE removed_at < now() - interval '1 day'`);
  }

  /** How many blobs are to be removed, and for how many seconds the first of them has been (0 when there is none). */
  async backlog(options?: QueryOptions): Promise<{ readonly blobs: number; readonly oldestSeconds: number }> {
    const { rows } = await this.#database.query<{ blobs: string; oldest: number }>(
      `SELECT count(*) AS blobs, coalesce(extract(epoch FROM now() - min(condemned_at)), 0)::float8 AS oldest
       FROM ${this.#owner.schema}.blobs WHERE condemned_at IS NOT NULL AND removed_at IS NULL`,
      [],
      options,
    );
    const row = rows[0];
    return { blobs: Number(row?.blobs ?? 0), oldestSeconds: row?.oldest ?? 0 };
  }
}
