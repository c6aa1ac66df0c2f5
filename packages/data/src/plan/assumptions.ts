import type { Column, DatabaseFunction, FunctionArgument, Relation, SchemaModel } from '../schema/model.js';
import { type Fragment, identifier, join, literal, member, sql, typeOf } from './sql.js';

/**
 * What a statement takes for granted of the schema, as expressions that PostgreSQL can only resolve while it holds. They
 * stand in a WITH query that nothing refers to: it is looked at whenever the statement is analyzed, which PostgreSQL
 * does again after DDL, and it is neither planned nor run.
 *
 * Without them a statement from before a migration keeps the types from before: `timestamp < $1` becomes
 * `timestamptz < $1` with a parameter that still is a `timestamp`, and deletes rows that do not match.
 */

/** By this function of PostgreSQL an error of an assumption is known: two arrays of one type, or it does not exist. */
const ASSUMED = sql`array_eq`;

/** Its name. */
export const ASSUMED_FUNCTION = String(ASSUMED);

/** A type of another schema, which callers may have no right to name. */
const QUALIFIED = /^(?:"(?:[^"]|"")*"|[^".(]+)\./;

/** The column has the type that the model knows; undefined where that cannot be said. */
export function columnType(model: SchemaModel, relation: Relation, column: Column): Fragment | undefined {
  const known = COLUMN_TYPES.get(relation) ?? new Map<string, Fragment | undefined>();
  COLUMN_TYPES.set(relation, known);
  if (!known.has(column.name)) known.set(column.name, assumedType(model, relation, column));
  return known.get(column.name);
}

/** By relation and column: a model does not change, and each request assumes some. */
const COLUMN_TYPES = new WeakMap<Relation, Map<string, Fragment | undefined>>();

function assumedType(model: SchemaModel, relation: Relation, column: Column): Fragment | undefined {
  if (column.arrayless === true || !isNameable(model, column)) return undefined;
  const row = member(identifier(model.schema), relation.name);
  return sql`${ASSUMED}(ARRAY[(NULL::${row}).${identifier(column.name)}], ARRAY[NULL::${typeOf(column)}])`;
}

/** There is a function with exactly these arguments; undefined where that cannot be said. */
export function functionArguments(model: SchemaModel, called: DatabaseFunction): Fragment | undefined {
  if (!called.arguments.every((argument) => isNameable(model, argument))) return undefined;
  const types = join(called.arguments.map(typeOf), ', ');
  const name = member(identifier(model.schema), called.name);
  return sql`${literal(String(sql`${name}(${types})`))}::regprocedure`;
}

function isNameable({ schema }: SchemaModel, { type }: Column | FunctionArgument): boolean {
  return !QUALIFIED.test(type) || type.startsWith(`${schema}.`);
}
