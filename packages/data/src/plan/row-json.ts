import type { PlanContext } from './context.js';
import type { LevelSql } from './level.js';
import { literal } from './sql.js';

/** `json_build_object` takes 100 arguments, PostgreSQL's limit for any function. */
const MAX_PAIRS = 50;

/**
 * JSON object of one row of `levelSelect(level)`. Keys that the request made up are parameters; without any, the
 * columns have the right names already and the row converts as a whole, which is faster.
 */
export function rowJson(context: PlanContext, level: LevelSql, row: string): string {
  if (level.outputs.length > 0 && level.namedByKey) return `row_to_json(${row}.*)`;
  const pairs = level.outputs.map(({ key, known }, index) => {
    const name = known ? literal(key) : `${context.parameter(key)}::text`;
    return `${name}, ${row}.${level.columns[index]}`;
  });
  const objects: string[] = [];
  do objects.push(`json_build_object(${pairs.splice(0, MAX_PAIRS).join(', ')})`);
  while (pairs.length > 0);
  return objects.reduce((left, right) => `(left(${left}::text, -1) || ',' || substr(${right}::text, 2))::json`);
}
