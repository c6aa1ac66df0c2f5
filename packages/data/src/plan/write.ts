import type { ReadQuery } from '../query/ast.js';
import { QueryError } from '../query/query-error.js';
import type { Relation } from '../schema/model.js';
import { bodySql, limitBody, planRowSql } from './body.js';
import type { PlanContext } from './context.js';
import { tableSql } from './embed.js';
import { filters } from './filters.js';
import { compileLevel, embedsOf } from './level.js';
import { levelSelect } from './level-sql.js';
import { Scope } from './scope.js';
import { type Fragment, join, member, sql } from './sql.js';
import type { Plan, WriteOptions } from './statement.js';

const WRITTEN = sql`written`;
const AFFECTED = sql`(SELECT count(*) FROM ${WRITTEN})`;

/** The relation to write to, as a scope for filters. */
export function targetScope(context: PlanContext, relation: Relation): Scope {
  const alias = context.alias();
  const from = tableSql(context, relation.name, alias);
  return new Scope({ alias, from, name: relation.name, relation, columns: relation.columns });
}

/** Conditions that say which rows of `target` are meant. */
export function targetFilters(context: PlanContext, target: Scope, query: ReadQuery): Fragment[] {
  // An `inner` embed drops rows from the answer; it does not limit what is written.
  const select = query.select.map((item) => (item.kind === 'embed' ? { ...item, join: 'left' as const } : item));
  return filters(context, target, query, embedsOf(context, target, { ...query, select }));
}

/**
 * The statement around a data-modifying one, which answers what was written.
 * @param mutation gets the RETURNING list: only columns that are asked for, since each needs the right to read it
 */
export function planWritten(
  context: PlanContext,
  target: Scope,
  mutation: (returning: Fragment) => Fragment,
  query: ReadQuery,
  options: WriteOptions,
): Plan {
  const totalCount = options.count === undefined ? undefined : AFFECTED;
  if (!options.returning) {
    context.with(WRITTEN, mutation(sql`1`));
    return context.statement(
      sql`SELECT ${planRowSql({ body: sql`NULL::text`, rowCount: sql`0::bigint`, totalCount, affectedCount: AFFECTED })}`,
    );
  }
  const { relation, columns, name } = target;
  const alias = context.alias();
  const scope = new Scope({ alias, from: sql`${WRITTEN} AS ${alias}`, name, relation, columns });
  const level = compileLevel(context, scope, { ...query, where: [] }, { joined: [], single: true });
  const returning = [...scope.used].map((column) => member(target.alias, column));
  context.with(WRITTEN, mutation(returning.length === 0 ? sql`1` : join(returning, ', ')));
  const row = context.alias();
  const body = limitBody(context, bodySql(context, level, row, options), options.maxBytes);
  const rowSql = planRowSql({ body, rowCount: sql`count(*)`, totalCount, affectedCount: AFFECTED });
  return context.statement(sql`SELECT ${rowSql} FROM (${levelSelect(level)}) AS ${row}`);
}

/**
 * What is written cannot depend on an order.
 * @param code PGRST114 for PUT
 * @throws QueryError `code` (400) for a limit or an offset
 */
export function refusePaging({ limit, offset }: ReadQuery, code: 'PGRST100' | 'PGRST114' = 'PGRST100'): void {
  if (limit === undefined && offset === undefined) return;
  throw new QueryError('invalid_query', code, 'limit and offset are accepted with GET only', {
    hint: 'Say with filters which rows are meant.',
  });
}
