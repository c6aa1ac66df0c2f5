import type { BlobLedger, Database, QueryOptions } from '@reactor/core';

/** Which blobs objects point to, and which are to be removed. */
export class ObjectLedger implements BlobLedger {
  readonly #database: Database;
  #folder: Promise<string> | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** With the id of the database: a blob store that meets another one is not swept empty by it. */
  async folder(): Promise<string> {
    this.#folder ??= this.#readFolder();
    try {
      return await this.#folder;
    } catch (error) {
      this.#folder = undefined;
      throw error;
    }
  }

  async #readFolder(): Promise<string> {
    const { rows } = await this.#database.query<{ id: string }>('SELECT id FROM reactor_storage.store');
    return `objects/${(rows[0] as { id: string }).id}`;
  }

  /**
   * Marks those of `keys` to be removed that no object points to. An upload that has not committed by now no longer
   * can: the key is taken.
   * @returns how many
   */
  async condemnUnknown(keys: readonly string[]): Promise<number> {
    const { rowCount } = await this.#database.query(
      `INSERT INTO reactor_storage.blobs (key, condemned_at) SELECT key, now() FROM unnest($1::text[]) AS key
       ON CONFLICT (key) DO NOTHING`,
      [keys],
    );
    return rowCount;
  }

  async condemned(limit: number): Promise<readonly string[]> {
    const { rows } = await this.#database.query<{ key: string }>(
      `SELECT key FROM reactor_storage.blobs WHERE condemned_at IS NOT NULL AND removed_at IS NULL
       ORDER BY condemned_at LIMIT $1`,
      [limit],
    );
    return rows.map(({ key }) => key);
  }

  async markRemoved(keys: readonly string[]): Promise<void> {
    await this.#database.query('UPDATE reactor_storage.blobs SET removed_at = now() WHERE key = ANY($1)', [keys]);
  }

  /** Drops the rows of blobs that were removed a day ago: no upload lives that long. */
  async forgetRemoved(): Promise<void> {
    await this.#database.query("DELETE FROM reactor_storage.blobs WHERE removed_at < now() - interval '1 day'");
  }

  /** How many blobs are to be removed, and for how many seconds the first of them has been (0 when there is none). */
  async backlog(options?: QueryOptions): Promise<{ readonly blobs: number; readonly oldestSeconds: number }> {
    const { rows } = await this.#database.query<{ blobs: string; oldest: number }>(
      `SELECT count(*) AS blobs, coalesce(extract(epoch FROM now() - min(condemned_at)), 0)::float8 AS oldest
       FROM reactor_storage.blobs WHERE condemned_at IS NOT NULL AND removed_at IS NULL`,
      [],
      options,
    );
    const row = rows[0];
    return { blobs: Number(row?.blobs ?? 0), oldestSeconds: row?.oldest ?? 0 };
  }

  /** Objects and their bytes, in all buckets. */
  async usage(): Promise<{ readonly objects: number; readonly bytes: number }> {
    const { rows } = await this.#database.query<{ objects: string; bytes: string }>(
      'SELECT sum(objects) AS objects, sum(bytes) AS bytes FROM reactor_storage.usage',
    );
    return { objects: Number(rows[0]?.objects ?? 0), bytes: Number(rows[0]?.bytes ?? 0) };
  }
}
