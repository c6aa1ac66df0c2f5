import type { Queryable } from '@reactor/core';
import type { StoredObject } from '../stored-object.js';
import { OBJECT_COLUMNS, type ObjectRow, toObject } from './objects.js';

/** What to list, and from where on. */
export interface ListingQuery {
  readonly bucketId: string;
  readonly prefix: string;
  /** Only this user's objects; undefined for everybody's. */
  readonly ownerId: string | undefined;
  /** Folds what follows the next slash into one entry, as a folder. */
  readonly folders: boolean;
  /** The first key of the page is not below this. */
  readonly from: string;
  readonly limit: number;
}

/** One line of a listing: an object, or the common prefix of several. */
export type ListingEntry = { readonly object: StoredObject } | { readonly prefix: string };

/** Up to `limit` entries in the byte order of their UTF-8. Reads as many index entries as it returns, no more. */
export async function listObjects(database: Queryable, query: ListingQuery): Promise<readonly ListingEntry[]> {
  const { bucketId, prefix, from, limit, ownerId, folders } = query;
  const { rows } = await database.query<Partial<ObjectRow> & { readonly folder: string | null }>(
    folders ? FOLDERS : FLAT,
    [bucketId, prefix, from, limit, ownerId ?? null],
  );
  return rows.map((row) => (row.folder === null ? { object: toObject(row as ObjectRow) } : { prefix: row.folder }));
}

/** The lowest position behind `entry`. */
export function positionAfter(entry: ListingEntry): string {
  // A folder ends in a slash, and the character after the slash is 0. A key holds no control character, so none lies
  // between it and itself with U+0001.
  return 'object' in entry ? `${entry.object.key}\u0001` : `${entry.prefix.slice(0, -1)}0`;
}

const SELECTED = 'o.bucket_id = $1 AND o.key ^@ $2::text AND ($5::text IS NULL OR o.owner_id = $5)';

const FLAT = `SELECT NULL AS folder, ${OBJECT_COLUMNS} FROM reactor_storage.objects o
  WHERE ${SELECTED} AND o.key >= $3 ORDER BY o.key LIMIT $4`;

/** The first key at or behind a position, and the folder it stands in, if any. */
const next = (position: string) => `
  SELECT o.key, CASE WHEN strpos(substr(o.key, length($2) + 1), '/') > 0
    THEN $2 || split_part(substr(o.key, length($2) + 1), '/', 1) || '/' END AS folder
  FROM reactor_storage.objects o WHERE ${SELECTED} AND o.key >= ${position} ORDER BY o.key LIMIT 1`;

// Jumps from folder to folder through the index, so that a folder of a million objects costs one step.
const FOLDERS = `WITH RECURSIVE entry (key, folder, number) AS (
    SELECT first.key, first.folder, 1 FROM (${next('$3')}) first
  UNION ALL
    SELECT following.key, following.folder, entry.number + 1 FROM entry CROSS JOIN LATERAL (
      ${next("CASE WHEN entry.folder IS NULL THEN entry.key || E'\\x01' ELSE left(entry.folder, -1) || '0' END")}
    ) following WHERE entry.number < $4
  )
  SELECT entry.folder, ${OBJECT_COLUMNS} FROM entry
  LEFT JOIN reactor_storage.objects o ON entry.folder IS NULL AND o.bucket_id = $1 AND o.key = entry.key
  ORDER BY entry.number`;
