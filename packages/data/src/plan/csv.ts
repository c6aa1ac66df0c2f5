import type { PlanContext } from './context.js';
import type { LevelSql } from './level-sql.js';
import { type Fragment, join, sql } from './sql.js';

const NEEDS_QUOTES = /[",\r\n]/;

/**
 * One row of `levelSelect(level)` as a line of RFC 4180. SQL null is an empty field, an empty text a quoted one.
 */
export function rowCsv(level: LevelSql, row: Fragment): Fragment {
  const values = level.columns.map((column) => sql`${row}.${column}::text`);
  const field = sql`CASE WHEN v = '' OR v ~ '[",\\r\\n]' THEN '"' || replace(v, '"', '""') || '"' ELSE v END`;
  const rows = sql`unnest(ARRAY[${join(values, ', ')}]::text[]) WITH ORDINALITY AS f(v, o)`;
  return sql`(SELECT string_agg(coalesce(${field}, ''), ',' ORDER BY o) FROM ${rows})`;
}

/** The line with the keys, as a parameter. */
export function headerCsv(context: PlanContext, level: LevelSql): Fragment {
  const fields = level.outputs.map(({ key }) => (NEEDS_QUOTES.test(key) ? `"${key.replaceAll('"', '""')}"` : key));
  return sql`${context.parameter(fields.join(','))}::text`;
}
