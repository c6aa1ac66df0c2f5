import type { RowsBody, WriteQuery } from '../query/index.js';
import { QueryError } from '../query/query-error.js';
import { quoted } from '../query/scanner.js';
import type { Relation, SchemaModel } from '../schema/model.js';
import { PlanContext } from './context.js';
import { knownColumn, records, requireOneRow } from './record.js';
import { findRelation } from './relation.js';
import { clause, type Fragment, identifier, join, member, sql } from './sql.js';
import type { InsertOptions, Plan, WriteOptions } from './statement.js';
import { planWritten, refusePaging, targetScope } from './write.js';

/**
 * POST of rows.
 * @throws QueryError as `planRead`, PGRST204 (400) for unknown columns of the body, PGRST100 (400) for filters
 */
export function planInsert(
  model: SchemaModel,
  name: string,
  rows: RowsBody,
  write: WriteQuery,
  options: InsertOptions,
): Plan {
  const relation = findRelation(model, name);
  refusePaging(write.query);
  if (write.query.where.length > 0) {
    throw new QueryError('invalid_query', 'PGRST100', 'filters are not accepted with POST, which only adds rows');
  }
  const context = new PlanContext(model, options.maxRows);
  const target = targetScope(context, relation);
  const { from, columns, values } = records(context, relation, rows, options.missing);
  const conflict =
    options.conflict === undefined ? sql`` : onConflict(relation, rows, write.onConflict, options.conflict);
  const list = columns.length === 0 ? sql`` : sql` (${join(columns, ', ')})`;
  const insert = sql`INSERT INTO ${target.from}${list} SELECT ${join(values, ', ')} FROM ${from}${conflict}`;
  return planWritten(context, target, (returning) => sql`${insert} RETURNING ${returning}`, write.query, options);
}

/**
 * PUT of one row whose whole primary key is given as `eq` filters. Columns that the body leaves out keep their value, or
 * get their default in a new row. `affected_count` 0 means that the body has another key (PGRST115).
 * @throws QueryError PGRST105 (400) for other filters, PGRST114 (400) for a limit, PGRST102 (400) for several rows, PGRST115 (400) for a body
 *   without the key
 */
export function planPut(
  model: SchemaModel,
  name: string,
  rows: RowsBody,
  write: WriteQuery,
  options: WriteOptions,
): Plan {
  const relation = findRelation(model, name);
  refusePaging(write.query, 'PGRST114');
  requireOneRow(rows);
  const key = keyFilters(relation, write);
  const left = [...key.keys()].find((column) => !rows.columns.includes(column));
  if (left !== undefined) {
    throw new QueryError('invalid_body', 'PGRST115', `the body lacks the key column ${quoted(left)}`);
  }
  const context = new PlanContext(model, options.maxRows);
  const target = targetScope(context, relation);
  const { from, columns, values } = records(context, relation, rows);
  const same = [...key].map(([column, value]) => sql`${member(sql`body`, column)} = ${context.parameter(value)}`);
  const merge = onConflict(relation, rows, undefined, 'merge');
  const select = sql`SELECT ${join(values, ', ')} FROM ${from}${clause('WHERE', same, ' AND ')}`;
  const insert = sql`INSERT INTO ${target.from} (${join(columns, ', ')}) ${select}${merge}`;
  return planWritten(context, target, (returning) => sql`${insert} RETURNING ${returning}`, write.query, options);
}

function keyFilters(relation: Relation, { query }: WriteQuery): ReadonlyMap<string, string> {
  const key = new Map<string, string>();
  for (const condition of query.where) {
    if (condition.kind !== 'comparison' || condition.operator !== 'eq') continue;
    const { negated, quantifier, field, operand } = condition;
    if (!negated && quantifier === undefined && field.path.length === 0) key.set(field.column, operand);
  }
  const wanted = relation.primaryKey;
  const isWhole = wanted.length > 0 && wanted.every((column) => key.has(column));
  if (isWhole && query.where.length === wanted.length) return key;
  throw new QueryError('invalid_query', 'PGRST105', 'PUT needs an eq filter on each primary key column, and no other', {
    details: { primary_key: wanted },
  });
}

function onConflict(
  relation: Relation,
  rows: RowsBody,
  asked: readonly string[] | undefined,
  conflict: 'merge' | 'ignore',
): Fragment {
  const target = (asked ?? relation.primaryKey).map((name) => knownColumn(relation, name).name);
  if (target.length === 0) {
    throw new QueryError(
      'invalid_query',
      'PGRST100',
      `${quoted(relation.name)} has no primary key to tell rows apart`,
      {
        hint: 'Name the columns of a unique constraint in the on_conflict parameter.',
      },
    );
  }
  const others = rows.columns.filter((column) => !target.includes(column));
  // With nothing else to set, setting the key to itself still makes the row one of those that come back.
  const set = (others.length > 0 ? others : rows.columns).map((column) => {
    const name = identifier(column);
    return sql`${name} = EXCLUDED.${name}`;
  });
  const action = conflict === 'ignore' || set.length === 0 ? sql`DO NOTHING` : sql`DO UPDATE SET ${join(set, ', ')}`;
  return sql` ON CONFLICT (${join(target.map(identifier), ', ')}) ${action}`;
}
