import type { ReadQuery } from '../query/ast.js';
import type { SchemaModel } from '../schema/model.js';
import { bodySql, limitBody, planRowSql } from './body.js';
import { PlanContext } from './context.js';
import { estimateStatement, totalCountSql } from './count.js';
import { tableSql } from './embed.js';
import { compileLevel } from './level.js';
import { levelSelect } from './level-sql.js';
import { findRelation } from './relation.js';
import { Scope } from './scope.js';
import { sql } from './sql.js';
import type { Plan, ReadOptions } from './statement.js';

/**
 * GET of a table or view.
 * @throws QueryError for what the model does not have or allow: PGRST205 (404), 42501 (403), 42703, PGRST200 (400),
 *   PGRST201 (300)
 */
export function planRead(model: SchemaModel, name: string, query: ReadQuery, options: ReadOptions = {}): Plan {
  const relation = findRelation(model, name);
  const scopeIn = (context: PlanContext) => {
    const alias = context.alias();
    return new Scope({ alias, from: tableSql(context, name, alias), name, relation, columns: relation.columns });
  };
  return planRows(new PlanContext(model, options.maxRows), scopeIn, query, options);
}

/** The rows of any FROM item, which `scopeIn` puts into a statement. */
export function planRows(
  context: PlanContext,
  scopeIn: (context: PlanContext) => Scope,
  query: ReadQuery,
  options: ReadOptions,
): Plan {
  const level = compileLevel(context, scopeIn(context), query);
  const row = context.alias();
  const columns = planRowSql({
    body: limitBody(context, bodySql(context, level, row, options), options.maxBytes),
    rowCount: sql`count(*)`,
    totalCount: totalCountSql(context, level, options.count),
  });
  const statement = context.statement(sql`SELECT ${columns} FROM (${levelSelect(level)}) AS ${row}`);
  if (options.count !== 'planned' && options.count !== 'estimated') return statement;
  return { ...statement, estimate: estimateStatement(context, scopeIn, query, level) };
}
