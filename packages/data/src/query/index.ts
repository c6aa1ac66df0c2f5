import type { ReadQuery } from './ast.js';
import type { QueryLimits } from './limits.js';

export type * from './ast.js';
export * from './limits.js';
export * from './query-error.js';

/** Decoded name and value pairs in the order of the query string, e.g. `new URL(…).searchParams`. */
export type QueryParameters = Iterable<readonly [name: string, value: string]>;

export interface WriteQuery {
  /** `where` says which rows, the rest how they come back. */
  readonly query: ReadQuery;
  /** The columns of the body that count; all others are ignored. */
  readonly columns?: readonly string[];
  readonly onConflict?: readonly string[];
}

export interface CallQuery {
  /** Values by argument name, several when a name is repeated. */
  readonly arguments: ReadonlyMap<string, readonly string[]>;
  readonly query: ReadQuery;
}

/** Rows to write, as JSON that PostgreSQL reads. */
export interface RowsBody {
  /** A JSON array of objects. */
  readonly json: string;
  readonly columns: readonly string[];
  readonly rowCount: number;
}

/** @throws QueryError PGRST100, naming the parameter and the character */
export declare function parseReadRequest(parameters: QueryParameters, limits?: QueryLimits): ReadQuery;
/** POST, PATCH, PUT, DELETE on a relation. @throws QueryError PGRST100 */
export declare function parseWriteRequest(parameters: QueryParameters, limits?: QueryLimits): WriteQuery;
/**
 * @param argumentNames which parameters are arguments (GET); the others are filters. Empty for POST.
 * @throws QueryError PGRST100
 */
export declare function parseCallRequest(
  parameters: QueryParameters,
  argumentNames: ReadonlySet<string>,
  limits?: QueryLimits,
): CallQuery;
/** An object or an array of objects with the same keys. @throws QueryError PGRST102 */
export declare function parseRows(text: string, columns?: readonly string[]): RowsBody;
