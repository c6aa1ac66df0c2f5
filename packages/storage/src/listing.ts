import { coreErrors, type Database } from '@reactor/core';
import { type ListingEntry, type ListingQuery, listObjects, positionAfter } from './store/listing.js';

/** Part of a listing. */
export interface Page {
  readonly entries: readonly ListingEntry[];
  /** Where the next page begins; undefined when there is none. */
  readonly nextCursor: string | undefined;
}

/**
 * One page of a bucket, in the byte order of the keys.
 * @throws ReactorError `invalid_request` (400) for a cursor that no page has answered
 */
export async function listPage(
  database: Database,
  query: Omit<ListingQuery, 'from'> & { readonly cursor: string | undefined },
): Promise<Page> {
  const from = query.cursor === undefined ? '' : decodeCursor(query.cursor);
  // One more than asked for tells whether there is a next page.
  const entries = await listObjects(database, { ...query, from, limit: query.limit + 1 });
  const page = entries.slice(0, query.limit);
  const last = page.at(-1);
  const isLast = entries.length <= query.limit || last === undefined;
  return { entries: page, nextCursor: isLast ? undefined : encodeCursor(positionAfter(last)) };
}

function encodeCursor(position: string): string {
  return Buffer.from(position).toString('base64url');
}

function decodeCursor(cursor: string): string {
  const position = Buffer.from(cursor, 'base64url').toString();
  // Also refuses what is not base64url or not UTF-8, or holds a NUL, which PostgreSQL would refuse.
  if (encodeCursor(position) !== cursor || position.includes('\0')) {
    throw coreErrors.create.invalid_request('The cursor must be the next_cursor of an earlier page.');
  }
  return position;
}
