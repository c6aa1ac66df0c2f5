import type { PlanContext } from './context.js';
import { headerCsv, rowCsv } from './csv.js';
import type { LevelSql } from './level-sql.js';
import { rowJson } from './row-json.js';
import { type Fragment, sql } from './sql.js';
import type { OutputOptions } from './statement.js';

/**
 * Text of all rows of `levelSelect(level)`, as an aggregate over the FROM item `row`.
 * @param json one row, when it is not an object of the outputs
 */
export function bodySql(
  context: PlanContext,
  level: LevelSql,
  row: Fragment,
  options: OutputOptions,
  json?: Fragment,
): Fragment {
  if (options.format === 'csv') {
    return sql`concat_ws(E'\\n', ${headerCsv(context, level)}, string_agg(${rowCsv(level, row)}, E'\\n'))`;
  }
  const whole = json ?? rowJson(context, level, row);
  const member = options.stripNulls === true ? sql`json_strip_nulls(${whole})` : whole;
  return options.format === 'object'
    ? sql`coalesce((json_agg(${member}) -> 0)::text, 'null')`
    : sql`coalesce(json_agg(${member})::text, '[]')`;
}

const UNCOUNTED = sql`NULL::bigint`;

/** The statement's one row, in the names of `PlanRow`. */
export function planRowSql(row: {
  readonly body: Fragment;
  readonly rowCount: Fragment;
  readonly totalCount?: Fragment | undefined;
  readonly affectedCount?: Fragment;
}): Fragment {
  const { body, rowCount, totalCount = UNCOUNTED, affectedCount = UNCOUNTED } = row;
  return sql`${body} AS body, ${rowCount} AS row_count, ${totalCount} AS total_count, ${affectedCount} AS affected_count`;
}

/** The body, where PostgreSQL looks that it is not longer than `maxBytes`: else an error, RX001. */
export function limitBody(context: PlanContext, body: Fragment, maxBytes: number | undefined): Fragment {
  return maxBytes === undefined ? body : sql`auth.bounded(${body}, ${context.parameter(maxBytes)})`;
}
