import type { RowsBody, WriteQuery } from '../query/index.js';
import { QueryError } from '../query/query-error.js';
import type { SchemaModel } from '../schema/model.js';
import { PlanContext } from './context.js';
import { records, requireOneRow } from './record.js';
import { findRelation } from './relation.js';
import { clause, type Fragment, join, sql } from './sql.js';
import type { ChangeOptions, Plan } from './statement.js';
import { planWritten, refusePaging, targetFilters, targetScope } from './write.js';

/**
 * PATCH of the rows that match. A body without columns changes nothing.
 * @throws QueryError as `planInsert`, PGRST102 (400) for several rows, 21000 (400) without a filter
 */
export function planUpdate(
  model: SchemaModel,
  name: string,
  rows: RowsBody,
  write: WriteQuery,
  options: ChangeOptions,
): Plan {
  const relation = findRelation(model, name);
  requireOneRow(rows);
  requireFilter('PATCH', write, options);
  const context = new PlanContext(model, options.maxRows);
  const target = targetScope(context, relation);
  if (rows.columns.length === 0) {
    const nothing = (returning: Fragment) => sql`SELECT ${returning} FROM ${target.from} WHERE false`;
    return planWritten(context, target, nothing, write.query, options);
  }
  const { from, columns, values } = records(context, relation, rows);
  const set = columns.map((column, index) => sql`${column} = ${values[index] as Fragment}`);
  const where = clause('WHERE', targetFilters(context, target, write.query), ' AND ');
  const update = sql`UPDATE ${target.from} SET ${join(set, ', ')} FROM ${from}${where}`;
  return planWritten(context, target, (returning) => sql`${update} RETURNING ${returning}`, write.query, options);
}

/** DELETE of the rows that match. @throws QueryError as `planRead`, 21000 (400) without a filter */
export function planDelete(model: SchemaModel, name: string, write: WriteQuery, options: ChangeOptions): Plan {
  const relation = findRelation(model, name);
  requireFilter('DELETE', write, options);
  const context = new PlanContext(model, options.maxRows);
  const target = targetScope(context, relation);
  const where = clause('WHERE', targetFilters(context, target, write.query), ' AND ');
  const remove = sql`DELETE FROM ${target.from}${where}`;
  return planWritten(context, target, (returning) => sql`${remove} RETURNING ${returning}`, write.query, options);
}

function requireFilter(verb: string, { query }: WriteQuery, { allowUnfiltered }: ChangeOptions): void {
  refusePaging(query);
  if (query.where.length > 0 || allowUnfiltered === true) return;
  throw new QueryError(
    'filter_required',
    '21000',
    `${verb} needs a filter, or Prefer: handling=strict, max-affected=<the most rows that may change>`,
    { hint: 'To change all rows, send a filter that all of them pass: id=not.is.null.' },
  );
}
