import type { PlanContext } from './context.js';
import { headerCsv, rowCsv } from './csv.js';
import type { LevelSql } from './level.js';
import { rowJson } from './row-json.js';
import type { OutputOptions } from './statement.js';

/**
 * Text of all rows of `levelSelect(level)`, as an aggregate over the FROM item `row`.
 * @param json one row, when it is not an object of the outputs
 */
export function bodySql(
  context: PlanContext,
  level: LevelSql,
  row: string,
  options: OutputOptions,
  json?: string,
): string {
  if (options.format === 'csv') {
    return `concat_ws(E'\\n', ${headerCsv(context, level)}, string_agg(${rowCsv(level, row)}, E'\\n'))`;
  }
  const whole = json ?? rowJson(context, level, row);
  const member = options.stripNulls === true ? `json_strip_nulls(${whole})` : whole;
  return options.format === 'object'
    ? `coalesce((json_agg(${member}) -> 0)::text, 'null')`
    : `coalesce(json_agg(${member})::text, '[]')`;
}

/** The statement's one row, in the names of `PlanRow`. */
export function planRowSql(row: {
  readonly body: string;
  readonly rowCount: string;
  readonly totalCount?: string | undefined;
  readonly affectedCount?: string;
}): string {
  return (
    `${row.body} AS body, ${row.rowCount} AS row_count, ` +
    `${row.totalCount ?? 'NULL::bigint'} AS total_count, ${row.affectedCount ?? 'NULL::bigint'} AS affected_count`
  );
}

/** The body, where PostgreSQL looks that it is not longer than `maxBytes`: else an error, RX001. */
export function limitBody(context: PlanContext, body: string, maxBytes: number | undefined): string {
  return maxBytes === undefined ? body : `auth.bounded(${body}, ${context.parameter(maxBytes)})`;
}
