import { dataError } from '../errors.js';

/** Rows asked for by header, counted from 0. */
export interface RowRange {
  readonly offset: number;
  /** Undefined: to the last one. */
  readonly limit?: number;
}

/** PostgreSQL's `bigint` is wider, but no table is. */
const MAX_DIGITS = 15;

/**
 * Reads `Range: 0-24`, `items=0-24` or `0-`. A range of another unit is ignored (RFC 9110 §14.2).
 * @throws DataError `invalid_query` (400, PGRST100) for a range of another form, `range_not_satisfiable` (416, PGRST103)
 *   for one that ends before it begins
 */
export function parseRowRange(header: string | null): RowRange | undefined {
  if (header === null) return undefined;
  const [, unit = 'items', text = ''] = /^(?:([A-Za-z]+)\s*=)?\s*(.*)$/.exec(header.trim()) ?? [];
  if (unit.toLowerCase() !== 'items') return undefined;
  const [, from = '', to = ''] = new RegExp(`^(\\d{1,${MAX_DIGITS}})-(\\d{0,${MAX_DIGITS}})$`).exec(text) ?? [];
  if (from === '') {
    throw dataError('invalid_query', 'The Range header must have the form 0-24, items=0-24 or 0-.', {
      code: 'PGRST100',
    });
  }
  const offset = Number(from);
  if (to === '') return { offset };
  if (Number(to) < offset) {
    throw dataError('range_not_satisfiable', 'The Range header ends before it begins.', {
      code: 'PGRST103',
      details: 'The lower boundary must be lower than or equal to the upper boundary in the Range header.',
    });
  }
  return { offset, limit: Number(to) - offset + 1 };
}

/** `0-9/42`, `0-9/*`, `*` + `/0`: which rows an answer holds, and of how many. */
export function contentRange(offset: number, rowCount: number, total: number | undefined): string {
  const rows = rowCount === 0 ? '*' : `${offset}-${offset + rowCount - 1}`;
  return `${rows}/${total ?? '*'}`;
}

/**
 * 206 when the rows are known to be a part.
 * @throws DataError `range_not_satisfiable` (416, PGRST103) when the first row asked for lies past the last one
 */
export function rangeStatus(offset: number, rowCount: number, total: number | undefined): 200 | 206 {
  if (total === undefined) return 200;
  if (offset > total) {
    throw dataError(
      'range_not_satisfiable',
      `The first row asked for is number ${offset}, but there are only ${total}.`,
      { code: 'PGRST103', details: `An offset of ${offset} was requested, but there are only ${total} rows.` },
      { headers: { 'Content-Range': `*/${total}` } },
    );
  }
  return rowCount < total ? 206 : 200;
}
