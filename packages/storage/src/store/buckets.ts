import { type Database, type Queryable, uuidv7 } from '@reactor/core';
import { type Bucket, bucketNotFound } from '../buckets.js';
import { storageErrors } from '../errors.js';

/** Columns of a bucket under the names of `BucketRow`, from the table alias `b`. */
export const BUCKET_COLUMNS = `b.id AS bucket_id, b.slug, b.is_public, b.created_at AS bucket_created_at,
  b.updated_at AS bucket_updated_at`;

export interface BucketRow {
  readonly bucket_id: string;
  readonly slug: string;
  readonly is_public: boolean;
  readonly bucket_created_at: Date;
  readonly bucket_updated_at: Date;
}

export function toBucket(row: BucketRow): Bucket {
  return {
    id: row.bucket_id,
    slug: row.slug,
    isPublic: row.is_public,
    createdAt: row.bucket_created_at,
    updatedAt: row.bucket_updated_at,
  };
}

/** A bucket by slug or by id. */
export type BucketRef = { readonly slug: string } | { readonly id: string };

export class BucketStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws ReactorError `bucket_exists` (409) */
  async create(slug: string, isPublic: boolean): Promise<Bucket> {
    const { rows } = await this.#database.query<BucketRow>(
      `INSERT INTO reactor_storage.buckets AS b (id, slug, is_public) VALUES ($1, $2, $3)
       ON CONFLICT (slug) DO NOTHING RETURNING ${BUCKET_COLUMNS}`,
      [uuidv7(), slug, isPublic],
    );
    const row = rows[0];
    if (row === undefined) throw storageErrors.create.bucket_exists('Another bucket has this slug.');
    return toBucket(row);
  }

  /** In the order of their slugs. */
  async list(): Promise<readonly Bucket[]> {
    const { rows } = await this.#database.query<BucketRow>(
      `SELECT ${BUCKET_COLUMNS} FROM reactor_storage.buckets b ORDER BY b.slug`,
    );
    return rows.map(toBucket);
  }

  /** @throws ReactorError `bucket_not_found` (404) */
  async get(ref: BucketRef): Promise<Bucket> {
    const { where, value } = condition(ref);
    const { rows } = await this.#database.query<BucketRow>(
      `SELECT ${BUCKET_COLUMNS} FROM reactor_storage.buckets b WHERE ${where}`,
      [value],
    );
    return first(rows);
  }

  /** @throws ReactorError `bucket_not_found` (404) */
  async setPublic(ref: BucketRef, isPublic: boolean): Promise<Bucket> {
    const { where, value } = condition(ref);
    const { rows } = await this.#database.query<BucketRow>(
      `UPDATE reactor_storage.buckets b SET is_public = $2, updated_at = now() WHERE ${where}
       RETURNING ${BUCKET_COLUMNS}`,
      [value, isPublic],
    );
    return first(rows);
  }

  /**
   * Deletes the bucket, with `cascade` its objects too; their blobs go later, by the sweeper.
   * @throws ReactorError `bucket_not_found` (404), `bucket_not_empty` (409)
   */
  async delete(ref: BucketRef, cascade: boolean): Promise<void> {
    await this.#database.transaction(async (connection) => {
      const bucket = await lockBucket(connection, ref);
      if (cascade) {
        await connection.query(
          `WITH gone AS (DELETE FROM reactor_storage.objects WHERE bucket_id = $1 RETURNING blob_key)
           UPDATE reactor_storage.blobs SET condemned_at = now() FROM gone WHERE blobs.key = gone.blob_key`,
          [bucket.id],
        );
      }
      const { rowCount } = await connection.query(
        `DELETE FROM reactor_storage.buckets
         WHERE id = $1 AND NOT EXISTS (SELECT FROM reactor_storage.objects WHERE bucket_id = $1)`,
        [bucket.id],
      );
      if (rowCount === 0) {
        throw storageErrors.create.bucket_not_empty(
          'The bucket holds objects. Delete them first, or ask for cascade=true to delete them with it.',
        );
      }
    });
  }
}

/** Waits for the uploads into it that are being committed, and keeps new ones from it until the transaction ends. */
async function lockBucket(connection: Queryable, ref: BucketRef): Promise<Bucket> {
  const { where, value } = condition(ref);
  const { rows } = await connection.query<BucketRow>(
    `SELECT ${BUCKET_COLUMNS} FROM reactor_storage.buckets b WHERE ${where} FOR UPDATE`,
    [value],
  );
  return first(rows);
}

function condition(ref: BucketRef): { readonly where: string; readonly value: string } {
  return 'id' in ref ? { where: 'b.id = $1', value: ref.id } : { where: 'b.slug = $1', value: ref.slug };
}

function first(rows: readonly BucketRow[]): Bucket {
  if (rows[0] === undefined) throw bucketNotFound();
  return toBucket(rows[0]);
}
