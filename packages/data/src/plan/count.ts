import type { ReadQuery } from '../query/ast.js';
import { PlanContext } from './context.js';
import { filters } from './filters.js';
import { compileLevel, embedsOf } from './level.js';
import { isGrouped, type LevelSql, uncutSelect } from './level-sql.js';
import type { Scope } from './scope.js';
import { clause, type Fragment, sql } from './sql.js';
import type { OutputOptions, Statement } from './statement.js';

/** SQL of `total_count` in a statement whose rows are `level`; undefined when nobody asked. */
export function totalCountSql(
  context: PlanContext,
  level: LevelSql,
  count: OutputOptions['count'],
): Fragment | undefined {
  if (count === undefined || count === 'planned') return undefined;
  // Nothing was cut off, so what came back is all there is.
  if (level.limit === undefined && level.offset === undefined) return sql`count(*)`;
  if (count === 'exact' || context.maxRows === undefined)
    return sql`(SELECT count(*) FROM (${uncutSelect(level)}) AS n)`;
  const enough = context.parameter(context.maxRows + 1);
  return sql`(SELECT nullif(count(*), ${enough}::bigint) FROM (${uncutSelect(level)} LIMIT ${enough}::bigint) AS n)`;
}

/**
 * What asks the planner for its guess. It is a statement of its own, with parameters of its own: PostgreSQL accepts
 * none that the text does not mention.
 */
export function estimateStatement(
  context: PlanContext,
  scopeIn: (context: PlanContext) => Scope,
  query: ReadQuery,
  level: LevelSql,
): Statement {
  const own = new PlanContext(context.model);
  const scope = scopeIn(own);
  const { limit: _limit, offset: _offset, ...uncut } = { ...query, order: [] };
  const select = isGrouped(level) ? uncutSelect(compileLevel(own, scope, uncut)) : ungroupedSelect(own, scope, uncut);
  return own.statement(select, 'explained');
}

function ungroupedSelect(context: PlanContext, scope: Scope, query: ReadQuery): Fragment {
  const where = filters(context, scope, query, embedsOf(context, scope, query));
  return sql`SELECT 1 FROM ${scope.from}${clause('WHERE', where, ' AND ')}`;
}
