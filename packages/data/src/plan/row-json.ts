import type { PlanContext } from './context.js';
import type { LevelSql } from './level-sql.js';
import type { Output } from './output.js';
import { type Fragment, join, literal, sql } from './sql.js';

/** `json_build_object` takes 100 arguments, PostgreSQL's limit for any function. */
const MAX_PAIRS = 50;

/**
 * JSON object of one row of `levelSelect(level)`. Keys that the request made up are parameters; without any, the
 * columns have the right names already and the row converts as a whole, which is faster.
 */
export function rowJson(context: PlanContext, level: LevelSql, row: Fragment): Fragment {
  if (level.outputs.length > 0 && level.namedByKey) return sql`row_to_json(${row}.*)`;
  const pairs = level.columns.map((column, index) => {
    const { key, known } = level.outputs[index] as Output;
    const name = known ? literal(key) : sql`${context.parameter(key)}::text`;
    return sql`${name}, ${row}.${column}`;
  });
  const objects: Fragment[] = [];
  do objects.push(sql`json_build_object(${join(pairs.splice(0, MAX_PAIRS), ', ')})`);
  while (pairs.length > 0);
  return objects.reduce((left, right) => sql`(left(${left}::text, -1) || ',' || substr(${right}::text, 2))::json`);
}
