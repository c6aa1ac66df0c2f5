import type { ReadQuery } from '../query/ast.js';
import type { PlanContext } from './context.js';
import type { Output } from './output.js';
import type { Scope } from './scope.js';
import { clause, type Fragment, integer, join, sql } from './sql.js';

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

/** How the level of an embed is made: as the one around it. */
export type CompileLevel = (context: PlanContext, scope: Scope, query: ReadQuery, place: LevelPlace) => LevelSql;

/** Whether any output aggregates, so that the others group. */
export function isGrouped({ outputs }: LevelSql): boolean {
  return outputs.some(({ aggregate }) => aggregate !== undefined);
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
