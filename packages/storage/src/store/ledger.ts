import { type Database, SqlBlobLedger } from '@reactor/core';

/** Which blobs objects point to, and which are to be removed. */
export class ObjectLedger extends SqlBlobLedger {
  readonly #database: Database;

  constructor(database: Database) {
    super(database, { schema: 'reactor_storage', folder: 'objects' });
    this.#database = database;
  }

  /** Objects and their bytes, in all buckets. */
  async usage(): Promise<{ readonly objects: number; readonly bytes: number }> {
    const { rows } = await this.#database.query<{ objects: string; bytes: string }>(
      'SELECT sum(objects) AS objects, sum(bytes) AS bytes FROM reactor_storage.usage',
    );
    return { objects: Number(rows[0]?.objects ?? 0), bytes: Number(rows[0]?.bytes ?? 0) };
  }
}
