import type { CallQuery, ReadQuery, RowsBody, WriteQuery } from '../query/index.js';
import type { DatabaseFunction, SchemaModel } from '../schema/model.js';
import type { ChangeOptions, InsertOptions, Plan, ReadOptions, WriteOptions } from './statement.js';

export { planRead } from './read.js';
export type * from './statement.js';

export declare function planInsert(
  model: SchemaModel,
  relation: string,
  rows: RowsBody,
  write: WriteQuery,
  options: InsertOptions,
): Plan;
/** @param rows one row */
export declare function planUpdate(
  model: SchemaModel,
  relation: string,
  rows: RowsBody,
  write: WriteQuery,
  options: ChangeOptions,
): Plan;
export declare function planDelete(
  model: SchemaModel,
  relation: string,
  write: WriteQuery,
  options: ChangeOptions,
): Plan;
/**
 * PUT of one row whose whole primary key is given as `eq` filters. `affected_count` 0 means that the body's key is
 * another one (PGRST115).
 */
export declare function planPut(
  model: SchemaModel,
  relation: string,
  rows: RowsBody,
  write: WriteQuery,
  options: WriteOptions,
): Plan;

/** A call and what is known of the function, e.g. its volatility: only `volatile` needs a transaction that may write. */
export interface CallPlan extends Plan {
  readonly function: DatabaseFunction;
}
/** The names that a GET may give as arguments, over all overloads. @throws QueryError PGRST202 (404) */
export declare function argumentNames(model: SchemaModel, name: string): ReadonlySet<string>;
/**
 * @param input arguments as text (GET) or as the JSON object of a POST
 * @throws QueryError PGRST202 (404) when no overload takes these arguments, PGRST203 (300) when several do
 */
export declare function planCall(
  model: SchemaModel,
  name: string,
  input: CallQuery['arguments'] | string,
  query: ReadQuery,
  options?: ReadOptions,
): CallPlan;
