import type { ReadQuery } from '../query/ast.js';
import { QueryError } from '../query/query-error.js';
import { conditionSql } from './condition.js';
import type { PlanContext } from './context.js';
import { type Embeds, resolveEmbeds } from './embed.js';
import { fieldExpression } from './field.js';
import { orderSql } from './order.js';
import { type Output, selectOutputs } from './outputs.js';
import type { Scope } from './scope.js';
import { clause, type Fragment, identifier, integer, join, sql } from './sql.js';

/** PostgreSQL's most entries of a target list, less a few that it may add. */
const MAX_OUTPUTS = 1600;

/** One level of a read, as the parts of its SELECT. */
export interface LevelSql {
  readonly outputs: readonly Output[];
  /** SQL name of the column that each output becomes. */
  readonly columns: readonly Fragment[];
  /** Whether those names are the keys. */
  readonly namedByKey: boolean;
  /** FROM item with its joins, none of which changes the number of rows. */
  readonly from: Fragment;
  /** The same without joins, enough for counting. */
  readonly bareFrom: Fragment;
  readonly where: readonly Fragment[];
  readonly orderBy: readonly Fragment[];
  readonly limit: Fragment | undefined;
  readonly offset: Fragment | undefined;
}

/** What a level is to the one around it. */
export interface LevelPlace {
  /** Conditions that tie its rows to a row around it. */
  readonly joined: readonly Fragment[];
  /** At most one row belongs there, so there is nothing to cut; a LIMIT would only hide the join from PostgreSQL. */
  readonly single: boolean;
}

export function compileLevel(
  context: PlanContext,
  scope: Scope,
  query: ReadQuery,
  { joined, single }: LevelPlace = { joined: [], single: false },
): LevelSql {
  const embeds = resolveEmbeds(context, scope, query);
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

/** The level's own filters, and that something is embedded where `inner` asks for it. */
export function filters(context: PlanContext, scope: Scope, query: ReadQuery, embeds: Embeds): Fragment[] {
  return [
    ...embeds.innerTests(),
    ...query.where.map((condition) => conditionSql(context, scope, condition, (name) => embeds.rowsTest(name))),
  ];
}

/** Whether any output aggregates, so that the others group. */
export function isGrouped({ outputs }: LevelSql): boolean {
  return outputs.some(({ aggregate }) => aggregate !== undefined);
}

/** Whether columns can go by their keys: no two alike, and none in the words of the request. */
function haveKnownKeys(outputs: readonly Output[]): boolean {
  return outputs.every(({ known }) => known) && new Set(outputs.map(({ key }) => key)).size === outputs.length;
}

/** The whole SELECT. */
export function levelSelect(level: LevelSql): Fragment {
  const columns = level.columns.map(
    (name, index) => sql`${outputSql(level, level.outputs[index] as Output)} AS ${name}`,
  );
  const page = clause('LIMIT', level.limit === undefined ? [] : [level.limit], '');
  const skipped = clause('OFFSET', level.offset === undefined ? [] : [level.offset], '');
  const order = clause('ORDER BY', level.orderBy, ', ');
  return sql`SELECT ${join(columns, ', ')} FROM ${level.from}${matching(level)}${order}${page}${skipped}`;
}

/** A SELECT with one row for each that the level has without limit and offset. */
export function uncutSelect(level: LevelSql): Fragment {
  if (!isGrouped(level)) return sql`SELECT 1 FROM ${level.bareFrom}${matching(level)}`;
  const columns = level.outputs.map((output) => outputSql(level, output));
  return sql`SELECT ${join(columns, ', ')} FROM ${level.from}${matching(level)}`;
}

function matching(level: LevelSql): Fragment {
  return sql`${clause('WHERE', level.where, ' AND ')}${clause('GROUP BY', groups(level), ', ')}`;
}

/** Ordinals: an expression with parameters is only known to be the same by its place. */
function groups(level: LevelSql): Fragment[] {
  if (!isGrouped(level)) return [];
  return level.outputs.flatMap(({ aggregate }, index) => (aggregate === undefined ? [integer(index + 1)] : []));
}

function outputSql(level: LevelSql, { value, aggregate, isJson }: Output): Fragment {
  if (aggregate !== undefined) return aggregate(value);
  // json has no equality to group by.
  return isJson && isGrouped(level) ? sql`(${value})::jsonb` : value;
}
