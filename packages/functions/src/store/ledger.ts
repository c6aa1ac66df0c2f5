import type { BlobLedger, Database, QueryOptions } from '@reactor/core';

/** Which blobs deployments point to, and which are to be removed. */
export class BundleLedger implements BlobLedger {
  readonly #database: Database;
  #storeId: Promise<string> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Of the database: a blob store or a cache that meets another one is not taken for its. */
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
    return `functions/${await this.storeId()}`;
  }

  async #readStoreId(): Promise<string> {
    const { rows } = await this.#database.query<{ id: string }>('SELECT id FROM reactor_functions.store');
    return (rows[0] as { id: string }).id;
  }

  /**
   * Marks those of `keys` to be removed that no deployment points to. A bundle that has not been committed by now no
   * longer can: the key is taken.
   * @returns how many
   */
  async condemnUnknown(keys: readonly string[]): Promise<number> {
    const { rowCount } = await this.#database.query(
      `INSERT INTO reactor_functions.blobs (key, condemned_at) SELECT key, now() FROM unnest($1::text[]) AS key
       ON CONFLICT (key) DO NOTHING`,
      [keys],
    );
    return rowCount;
  }

  async condemned(limit: number): Promise<readonly string[]> {
    const { rows } = await this.#database.query<{ key: string }>(
      `SELECT key FROM reactor_functions.blobs WHERE condemned_at IS NOT NULL AND removed_at IS NULL
       ORDER BY condemned_at LIMIT $1`,
      [limit],
    );
    return rows.map(({ key }) => key);
  }

  async markRemoved(keys: readonly string[]): Promise<void> {
    await this.#database.query('UPDATE reactor_functions.blobs SET removed_at = now() WHERE key = ANY($1)', [keys]);
  }

  /** Drops the rows of blobs that were removed a day ago: no upload lives that long. */
  async forgetRemoved(): Promise<void> {
    await this.#database.query("DELETE FROM reactor_functions.blobs WHERE removed_at < now() - interval '1 day'");
  }

  /** How many blobs are to be removed, and for how many seconds the first of them has been (0 when there is none). */
  async backlog(options?: QueryOptions): Promise<{ readonly blobs: number; readonly oldestSeconds: number }> {
    const { rows } = await this.#database.query<{ blobs: string; oldest: number }>(
      `SELECT count(*) AS blobs, coalesce(extract(epoch FROM now() - min(condemned_at)), 0)::float8 AS oldest
       FROM reactor_functions.blobs WHERE condemned_at IS NOT NULL AND removed_at IS NULL`,
      [],
      options,
    );
    const row = rows[0];
    return { blobs: Number(row?.blobs ?? 0), oldestSeconds: row?.oldest ?? 0 };
  }
}
