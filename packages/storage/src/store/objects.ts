import { blobErrors, type Database, type Queryable, type QueryOptions } from '@reactor/core';
import { type Bucket, bucketNotFound } from '../buckets.js';
import type { StoredObject } from '../stored-object.js';
import { BUCKET_COLUMNS, type BucketRow, toBucket } from './buckets.js';

/** Columns of an object under the names of `ObjectRow`, from the table alias `o`. */
export const OBJECT_COLUMNS = `o.id, o.key, o.blob_key, o.content_type, o.size_bytes, o.sha256, o.owner_id, o.created_at,
  o.updated_at`;

export interface ObjectRow {
  readonly id: string;
  readonly key: string;
  readonly blob_key: string;
  readonly content_type: string;
  /** bigint, which pg gives as text. */
  readonly size_bytes: string;
  readonly sha256: string;
  readonly owner_id: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export function toObject(row: ObjectRow): StoredObject {
  return {
    id: row.id,
    key: row.key,
    blobKey: row.blob_key,
    contentType: row.content_type,
    sizeBytes: Number(row.size_bytes),
    sha256: row.sha256,
    ownerId: row.owner_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** What an upload brings. */
export interface NewVersion {
  readonly id: string;
  readonly blobKey: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Of a new object; an existing one keeps its owner. */
  readonly ownerId: string | null;
}

/** Names the advisory locks of storage among those of the whole database: "stor" in ASCII. */
const LOCK_NAMESPACE = 0x73746f72;

export class ObjectStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The bucket and, when it holds the key, the object. */
  async find(
    slug: string,
    key: string,
  ): Promise<{ readonly bucket: Bucket | undefined; readonly object: StoredObject | undefined }> {
    const { rows } = await this.#database.query<BucketRow & (ObjectRow | { readonly id: null })>(
      `SELECT ${BUCKET_COLUMNS}, ${OBJECT_COLUMNS} FROM reactor_storage.buckets b
       LEFT JOIN reactor_storage.objects o ON o.bucket_id = b.id AND o.key = $2 WHERE b.slug = $1`,
      [slug, key],
      { prepareAs: 'storage: find object' },
    );
    const row = rows[0];
    if (row === undefined) return { bucket: undefined, object: undefined };
    return { bucket: toBucket(row), object: row.id === null ? undefined : toObject(row) };
  }

  /**
   * Makes `version` the object under `key`, and its former blob one to be removed, in one transaction.
   * @param admit is asked with the object as it is then, and refuses by throwing
   * @throws ReactorError `bucket_not_found` (404) when the bucket went meanwhile, `storage_unavailable` (503) when the
   *   sweeper took the blob for one that nobody wants any more
   */
  async replace(
    bucketId: string,
    key: string,
    version: NewVersion,
    admit: (current: StoredObject | undefined) => void,
  ): Promise<StoredObject> {
    return this.#database.transaction(async (connection) => {
      // A row that does not exist yet cannot be locked: two first uploads of a key take turns here.
      await connection.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LOCK_NAMESPACE, `${bucketId}/${key}`]);
      const current = await findForUpdate(connection, bucketId, key);
      admit(current);
      try {
        return await (current === undefined
          ? insert(connection, bucketId, key, version)
          : update(connection, current, version));
      } catch (error) {
        throw explain(error);
      }
    });
  }

  /**
   * Deletes the object under `key`, and marks its blob as one to be removed.
   * @param admit as for `replace`; returns the object to delete
   */
  async delete(
    bucketId: string,
    key: string,
    admit: (current: StoredObject | undefined) => StoredObject,
  ): Promise<void> {
    await this.#database.transaction(async (connection) => {
      const { id } = admit(await findForUpdate(connection, bucketId, key));
      await connection.query(
        `WITH gone AS (DELETE FROM reactor_storage.objects WHERE id = $1 RETURNING blob_key)
         UPDATE reactor_storage.blobs SET condemned_at = now() FROM gone WHERE blobs.key = gone.blob_key`,
        [id],
      );
    });
  }

  /** The oldest and the newest objects, up to `limit` of each. */
  async ends(limit: number, options?: QueryOptions): Promise<readonly StoredObject[]> {
    const { rows } = await this.#database.query<ObjectRow>(
      `(SELECT ${OBJECT_COLUMNS} FROM reactor_storage.objects o ORDER BY o.id LIMIT $1)
       UNION (SELECT ${OBJECT_COLUMNS} FROM reactor_storage.objects o ORDER BY o.id DESC LIMIT $1)`,
      [limit],
      options,
    );
    return rows.map(toObject);
  }
}

async function findForUpdate(connection: Queryable, bucketId: string, key: string): Promise<StoredObject | undefined> {
  const { rows } = await connection.query<ObjectRow>(
    `SELECT ${OBJECT_COLUMNS} FROM reactor_storage.objects o WHERE o.bucket_id = $1 AND o.key = $2 FOR UPDATE`,
    [bucketId, key],
  );
  return rows[0] && toObject(rows[0]);
}

async function insert(
  connection: Queryable,
  bucketId: string,
  key: string,
  version: NewVersion,
): Promise<StoredObject> {
  const { rows } = await connection.query<ObjectRow>(
    `WITH claimed AS (INSERT INTO reactor_storage.blobs (key) VALUES ($4) RETURNING key)
     INSERT INTO reactor_storage.objects AS o
       (id, bucket_id, key, blob_key, content_type, size_bytes, sha256, owner_id)
     SELECT $1, $2, $3, claimed.key, $5, $6, $7, $8 FROM claimed RETURNING ${OBJECT_COLUMNS}`,
    [
      version.id,
      bucketId,
      key,
      version.blobKey,
      version.contentType,
      version.sizeBytes,
      version.sha256,
      version.ownerId,
    ],
  );
  return toObject(rows[0] as ObjectRow);
}

async function update(connection: Queryable, current: StoredObject, version: NewVersion): Promise<StoredObject> {
  const { rows } = await connection.query<ObjectRow>(
    `WITH claimed AS (INSERT INTO reactor_storage.blobs (key) VALUES ($2) RETURNING key),
          condemned AS (UPDATE reactor_storage.blobs SET condemned_at = now() WHERE key = $6)
     UPDATE reactor_storage.objects o
     SET blob_key = claimed.key, content_type = $3, size_bytes = $4, sha256 = $5, updated_at = now()
     FROM claimed WHERE o.id = $1 RETURNING ${OBJECT_COLUMNS}`,
    [current.id, version.blobKey, version.contentType, version.sizeBytes, version.sha256, current.blobKey],
  );
  return toObject(rows[0] as ObjectRow);
}

function explain(error: unknown): unknown {
  const { constraint } = error as { readonly constraint?: unknown };
  switch (constraint) {
    case 'objects_bucket_id_fkey':
      return bucketNotFound();
    case 'blobs_pkey':
      return blobErrors.create.storage_unavailable('The upload was not committed in time; send it again.', {
        cause: error,
      });
    default:
      return error;
  }
}
