import type { Principal, TokenVerifier } from '@reactor/core';
import type { DataConfig } from './config.js';
import type { Executor } from './execute/executor.js';
import { isSqlError } from './execute/sql-errors.js';
import type { DataMetrics } from './metrics.js';
import { QueryError } from './query/index.js';
import type { SchemaModel } from './schema/model.js';
import type { SchemaCache } from './schema/schema-cache.js';

/** What the routes work with. */
export interface DataService {
  readonly config: DataConfig;
  readonly schema: SchemaCache;
  readonly executor: Executor;
  readonly metrics: DataMetrics;
  readonly tokens: TokenVerifier;
}

/** Reasons that a newer schema may do away with. */
const MISSES: ReadonlySet<string> = new Set([
  'table_not_found',
  'column_not_found',
  'function_not_found',
  'relationship_not_found',
  'row_security_off',
]);

/** Undefined table, column, function, or type: dropped since the schema was read. */
const MISSING_OBJECTS: ReadonlySet<string> = new Set(['42P01', '42703', '42883', '42704']);

/**
 * Plans and runs `work` by the schema as it is known, and once more by a newer one when something in it is missing: DDL
 * may not have reached us yet. Nothing of a failed attempt is kept in the database.
 */
export async function withSchema<T>(
  { schema }: DataService,
  principal: Principal,
  work: (model: SchemaModel) => Promise<T>,
): Promise<T> {
  const seen = await schema.get();
  const isSystem = principal.kind === 'system';
  try {
    return await work(isSystem ? seen.systemModel : seen.model);
  } catch (error) {
    if (!isMiss(error)) throw error;
    const newer = await schema.afterMiss(seen);
    if (newer === undefined) throw error;
    return work(isSystem ? newer.systemModel : newer.model);
  }
}

function isMiss(error: unknown): boolean {
  if (error instanceof QueryError) return MISSES.has(error.reason);
  const { cause } = error as { cause?: unknown };
  return isSqlError(cause) && MISSING_OBJECTS.has(cause.code);
}
