import type { ReadQuery } from '../query/ast.js';
import { QueryError } from '../query/query-error.js';
import type { PlanContext } from './context.js';
import { type Embeds, resolveEmbeds } from './embed.js';
import { fieldExpression } from './field.js';
import { filters } from './filters.js';
import type { LevelPlace, LevelSql } from './level-sql.js';
import { orderSql } from './order.js';
import type { Output } from './output.js';
import { selectOutputs } from './outputs.js';
import type { Scope } from './scope.js';
import { type Fragment, identifier, integer, join, sql } from './sql.js';

/** PostgreSQL's most entries of a target list, less a few that it may add. */
const MAX_OUTPUTS = 1600;

/** The embeds of a level, to test its rows by. */
export function embedsOf(context: PlanContext, scope: Scope, query: ReadQuery): Embeds {
  return resolveEmbeds(context, scope, query, compileLevel);
}

export function compileLevel(
  context: PlanContext,
  scope: Scope,
  query: ReadQuery,
  { joined, single }: LevelPlace = { joined: [], single: false },
): LevelSql {
  const embeds = embedsOf(context, scope, query);
  const where = [...joined, ...filters(context, scope, query, embeds)];
  const joins: Fragment[] = [];
  const outputs = selectOutputs(context, scope, query, embeds, joins);
  if (outputs.length > MAX_OUTPUTS) {
    throw new QueryError('invalid_query', 'PGRST100', `the query selects too many columns; at most ${MAX_OUTPUTS} fit`);
  }
  const orderBy = query.order.map((term) => {
    const field = term.relation === undefined ? undefined : embeds.orderField(term.relation, term.field, joins);
    return orderSql(term, field ?? fieldExpression(context, scope, term.field).value);
  });
  const limit = single ? query.limit : context.rowLimit(query.limit);
  const namedByKey = haveKnownKeys(outputs);
  return {
    outputs,
    columns: outputs.map(({ key }, index) => (namedByKey ? identifier(key) : sql`c${integer(index)}`)),
    namedByKey,
    from: join([scope.from, ...joins], ' '),
    bareFrom: scope.from,
    where,
    orderBy,
    limit: limit === undefined ? undefined : context.parameter(limit),
    offset: query.offset === undefined || query.offset === 0 ? undefined : context.parameter(query.offset),
  };
}

/** Whether columns can go by their keys: no two alike, and none in the words of the request. */
function haveKnownKeys(outputs: readonly Output[]): boolean {
  return outputs.every(({ known }) => known) && new Set(outputs.map(({ key }) => key)).size === outputs.length;
}
