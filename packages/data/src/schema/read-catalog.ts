import { type Database, isSqlError, type QueryOptions, SQLSTATE } from '@reactor/core';
import { schemaUnavailable } from '../errors.js';
import { declarePortions, fetchPortions } from './portions.js';

/** Longest time that one reading may take. Below it lies what 10 000 tables take. */
const TIMEOUT_MS = 10_000;
/** One locked table stops the reading of a whole schema: this waits out a migration. */
const LOCK_TIMEOUT_MS = 2_000;

/** Names are complete under an empty search path. All of it ends with the transaction. */
const SETTINGS = `SELECT set_config('search_path', '', true), set_config('statement_timeout', $1, true),
  set_config('lock_timeout', $2, true)`;

export interface CatalogOptions extends QueryOptions {
  readonly timeoutMs?: number;
}

/**
 * The rows of a statement about `schema`, its `$1`.
 * @throws DataError `schema_unavailable` (503) when a table stays locked, or the time is over; its cause says which
 */
export async function readCatalog<Row>(
  database: Database,
  schema: string,
  text: string,
  { timeoutMs = TIMEOUT_MS, ...query }: CatalogOptions = {},
): Promise<readonly Row[]> {
  const connection = await database.connect(query);
  // Closed after an error: that ends its transaction too.
  let isBroken = true;
  try {
    const statements = [
      { text: 'BEGIN' },
      { text: SETTINGS, values: [String(timeoutMs), String(LOCK_TIMEOUT_MS)] },
      { text: declarePortions(text), values: [`"${schema.replaceAll('"', '""')}"`] },
    ];
    await connection.pipeline(statements, query);
    const rows = await fetchPortions<Row>(connection, query);
    await connection.query('COMMIT', [], query);
    isBroken = false;
    return rows;
  } catch (error) {
    throw isTimeout(error) ? schemaUnavailable(error) : error;
  } finally {
    connection.release(isBroken);
  }
}

/** Whether an error, or its cause, says that a lock was not available or the time was over. */
export function isTimeout(error: unknown): boolean {
  if (isSqlError(error)) return error.code === SQLSTATE.lockNotAvailable || error.code === SQLSTATE.queryCanceled;
  return error instanceof Error && error.cause !== undefined && isTimeout(error.cause);
}
