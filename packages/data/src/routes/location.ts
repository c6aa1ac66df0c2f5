import type { WriteQuery } from '../query/index.js';

/** An insert whose key comes back. */
export interface LocatedRows {
  readonly key: readonly string[];
  /** The write with the key selected, as text and under names of our own. */
  write(write: WriteQuery): WriteQuery;
}

/** @param key of the table, in order. Undefined without one: there is nothing to locate a row by. */
export function withKeySelected(key: readonly string[]): LocatedRows | undefined {
  if (key.length === 0) return undefined;
  return {
    key,
    write: ({ query, ...write }) => ({
      ...write,
      query: {
        ...query,
        select: key.map((column) => ({ kind: 'column', field: { column, path: [] }, cast: 'text', alias: column })),
      },
    }),
  };
}

/** @param row the key of the row as JSON. @returns the path and query under which the row is found */
export function locate(path: string, { key }: LocatedRows, row: string | null): string {
  const values = JSON.parse(row ?? '{}') as Record<string, string>;
  const conditions = key.map(
    (column) => `${encodeURIComponent(parameterOf(column))}=${encodeURIComponent(`eq.${values[column]}`)}`,
  );
  return `${path}?${conditions.join('&')}`;
}

/** Parameters that are not filters. */
const RESERVED = new Set(['select', 'order', 'limit', 'offset', 'and', 'or', 'columns', 'on_conflict']);

function parameterOf(column: string): string {
  const isPlain = /^[A-Za-z_]\w*$/.test(column) && !RESERVED.has(column);
  return isPlain ? column : `"${column.replaceAll(/["\\]/g, '\\$&')}"`;
}
