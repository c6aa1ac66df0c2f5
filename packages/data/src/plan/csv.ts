import type { PlanContext } from './context.js';
import type { LevelSql } from './level.js';

const NEEDS_QUOTES = /[",\r\n]/;

/**
 * One row of `levelSelect(level)` as a line of RFC 4180. SQL null is an empty field, an empty text a quoted one.
 */
export function rowCsv(level: LevelSql, row: string): string {
  const values = level.columns.map((column) => `${row}.${column}::text`);
  const field = `CASE WHEN v = '' OR v ~ '[",\\r\\n]' THEN '"' || replace(v, '"', '""') || '"' ELSE v END`;
  return (
    `(SELECT string_agg(coalesce(${field}, ''), ',' ORDER BY o) ` +
    `FROM unnest(ARRAY[${values.join(', ')}]::text[]) WITH ORDINALITY AS f(v, o))`
  );
}

/** The line with the keys, as a parameter. */
export function headerCsv(context: PlanContext, level: LevelSql): string {
  const fields = level.outputs.map(({ key }) => (NEEDS_QUOTES.test(key) ? `"${key.replaceAll('"', '""')}"` : key));
  return `${context.parameter(fields.join(','))}::text`;
}
