import { isSqlError, type Principal, SQLSTATE, type SqlError } from '@reactor/core';
import { schemaUnavailable } from './errors.js';
import { isOfParameter, isOfStaleSchema } from './execute/stale-schema.js';
import { QueryError } from './query/index.js';
import type { SchemaModel } from './schema/model.js';
import type { MissedBy } from './schema/schema-cache.js';
import type { DataService } from './service.js';

/** Reasons that a newer schema may do away with. */
const MISSES: ReadonlySet<string> = new Set([
  'table_not_found',
  'column_not_found',
  'function_not_found',
  'relationship_not_found',
  'row_security_off',
]);

/** An operator, constraint or object of PostgreSQL that a value of the caller may name, or that was there before. */
const MISSING_OBJECTS: ReadonlySet<string> = new Set([
  SQLSTATE.undefinedTable,
  SQLSTATE.undefinedColumn,
  SQLSTATE.undefinedFunction,
  SQLSTATE.undefinedObject,
  SQLSTATE.invalidColumnReference,
]);

/** Attempts of one request. A schema that changes more often meanwhile is one to come back to. */
const MAX_ATTEMPTS = 3;

/**
 * Plans and runs `work` by the schema as it is known, and again by a newer one when the error says that there may be one:
 * DDL may not have reached us yet. Nothing of a failed attempt is kept in the database.
 * @throws DataError `schema_unavailable` (503) when the schema cannot be read, or keeps changing meanwhile
 */
export async function withSchema<T>(
  { schema }: Pick<DataService, 'schema'>,
  principal: Principal,
  work: (model: SchemaModel) => Promise<T>,
): Promise<T> {
  let seen = await schema.get();
  for (let attempts = 1; ; attempts += 1) {
    try {
      const { model, systemModel } = seen;
      return await withFreshTypes(principal.kind === 'system' ? systemModel : model, work);
    } catch (error) {
      const by = missedBy(error);
      // Only what PostgreSQL refuses of our own is tried more than once again: a schema may change, and change back.
      if (by === undefined || (attempts > 1 && by !== 'database')) throw error;
      const newer = attempts === MAX_ATTEMPTS ? undefined : await schema.afterMiss(seen, by);
      if (newer === undefined) throw by === 'database' ? schemaUnavailable(error) : error;
      seen = newer;
    }
  }
}

/** Runs `work`, and once more without statements from before when a value did not have the type of its parameter. */
function withFreshTypes<T>(model: SchemaModel, work: (model: SchemaModel) => Promise<T>): Promise<T> {
  return work(model).catch((error) => {
    if (!isOfParameter(causeOf(error))) throw error;
    const { generation: _, ...unnumbered } = model;
    return work(unnumbered);
  });
}

/** Who says that the model lacks something or has too much: the caller who names it, or PostgreSQL. */
function missedBy(error: unknown): MissedBy | undefined {
  if (error instanceof QueryError) return MISSES.has(error.reason) ? 'caller' : undefined;
  const cause = causeOf(error);
  if (!isSqlError(cause)) return undefined;
  if (isOfStaleSchema(cause)) return 'database';
  return MISSING_OBJECTS.has(cause.code) || isWithoutPrivilege(cause) ? 'caller' : undefined;
}

/** Perhaps of a table or function that was made again under its name: reading the schema gives it its privileges. */
function isWithoutPrivilege({ code, routine }: SqlError): boolean {
  return code === SQLSTATE.insufficientPrivilege && routine === 'aclcheck_error';
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
