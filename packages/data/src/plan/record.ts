import { QueryError } from '../query/query-error.js';
import type { RowsBody } from '../query/rows.js';
import type { Column, Relation } from '../schema/model.js';
import { columnType } from './assumptions.js';
import type { PlanContext } from './context.js';
import { unknownColumn } from './scope.js';
import { defaultOf, type Fragment, identifier, join, literal, member, sql, typeOf } from './sql.js';

/** The body's rows as a FROM item whose columns have the types of the relation's. */
export interface Records {
  readonly from: Fragment;
  /** Column names, quoted. */
  readonly columns: readonly Fragment[];
  /** Their values, to select. */
  readonly values: readonly Fragment[];
}

/**
 * @param missing `default`: a key that a row does not have stands for the column's default, not for null
 * @throws QueryError PGRST204 (400) for a column that the relation does not have
 */
export function records(
  context: PlanContext,
  relation: Relation,
  rows: RowsBody,
  missing: 'null' | 'default' = 'null',
): Records {
  const columns = rows.columns.map((name) => knownColumn(relation, name));
  for (const column of columns) context.assume(columnType(context.model, relation, column));
  const json = sql`${context.parameter(rows.json)}::json`;
  const names = columns.map(({ name }) => identifier(name));
  if (columns.length === 0) return { from: sql`json_array_elements(${json}) AS body`, columns: [], values: [] };
  const types = columns.map((column, index) => sql`${names[index] as Fragment} ${typeOf(column)}`);
  const definition = sql`body(${join(types, ', ')})`;
  if (missing === 'null') {
    return {
      from: sql`json_to_recordset(${json}) AS ${definition}`,
      columns: names,
      values: names.map((name) => sql`body.${name}`),
    };
  }
  return {
    from: sql`json_array_elements(${json}) AS item(json) CROSS JOIN LATERAL json_to_record(item.json) AS ${definition}`,
    columns: names,
    values: columns.map(valueOrDefault),
  };
}

/** @throws QueryError PGRST204 (400) */
export function knownColumn(relation: Relation, name: string): Column {
  const column = relation.columns.get(name);
  if (column === undefined) throw unknownColumn('PGRST204', name, relation.name, relation.columns);
  return column;
}

/** @throws QueryError PGRST102 (400) for none or several rows */
export function requireOneRow(rows: RowsBody): void {
  if (rows.rowCount === 1) return;
  throw new QueryError('invalid_body', 'PGRST102', `the body must be one row, not ${rows.rowCount}`);
}

/** A key whose value is null is there, and `->` tells the two apart. */
function valueOrDefault(column: Column): Fragment {
  const value = member(sql`body`, column.name);
  const otherwise = defaultOf(column);
  if (otherwise === undefined) return value;
  return sql`CASE WHEN item.json -> ${literal(column.name)} IS NULL THEN ${otherwise} ELSE ${value} END`;
}
