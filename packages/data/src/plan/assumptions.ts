import type { Column, DatabaseFunction, Relation, SchemaModel } from '../schema/model.js';
import { identifier, literal } from './sql.js';

/**
 * What a statement takes for granted of the schema, as expressions that PostgreSQL can only resolve while it holds. They
 * stand in a WITH query that nothing refers to: it is looked at whenever the statement is analyzed, which PostgreSQL
 * does anew after DDL, and it is neither planned nor run.
 *
 * Without them a statement from before a migration goes on with the types from before: `timestamp < $1` becomes
 * `timestamptz < $1` with a parameter that still is a `timestamp`, and deletes rows that do not match.
 */

/** By this function of PostgreSQL an error of an assumption is known: two arrays of one type, or it does not exist. */
export const ASSUMED_FUNCTION = 'array_eq';

/** A type of another schema, which callers may have no right to name. */
const QUALIFIED = /^(?:"(?:[^"]|"")*"|[^".(]+)\./;

/** The column has the type that the model knows; undefined where that cannot be said. */
export function columnType(
  model: SchemaModel,
  relation: Relation,
  { name, type, arrayless }: Column,
): string | undefined {
  if (arrayless === true || !isNameable(model, type)) return undefined;
  const row = `NULL::${identifier(model.schema)}.${identifier(relation.name)}`;
  return `${ASSUMED_FUNCTION}(ARRAY[(${row}).${identifier(name)}], ARRAY[NULL::${type}])`;
}

/** There is a function with exactly these arguments; undefined where that cannot be said. */
export function functionArguments(model: SchemaModel, called: DatabaseFunction): string | undefined {
  const types = called.arguments.map(({ type }) => type);
  if (!types.every((type) => isNameable(model, type))) return undefined;
  const name = `${identifier(model.schema)}.${identifier(called.name)}`;
  return `${literal(`${name}(${types.join(', ')})`)}::regprocedure`;
}

function isNameable({ schema }: SchemaModel, type: string): boolean {
  return !QUALIFIED.test(type) || type.startsWith(`${schema}.`);
}
