import { dataError } from '../errors.js';
import type { PlanResult } from '../execute/executor.js';
import type { PlanMedia, RowsMedia } from '../http/accept.js';

/** An answer is for the caller alone: what it holds depends on who asks. */
const PRIVATE = { 'Cache-Control': 'private, no-store', Vary: 'Authorization, Accept, Prefer, Range' };

type HeaderValues = Readonly<Record<string, string | undefined>>;

export function respond(body: string | null, status: number, headers: HeaderValues): Response {
  const present: Record<string, string> = { ...PRIVATE };
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) present[name] = value;
  }
  return new Response(body, { status, headers: present });
}

/** @param lines of EXPLAIN: of text, or one JSON document */
export function respondPlan(lines: readonly unknown[], media: PlanMedia): Response {
  const text = lines.every((line) => typeof line === 'string') ? `${lines.join('\n')}\n` : JSON.stringify(lines[0]);
  return respond(text, 200, { 'Content-Type': media.contentType });
}

/** @throws DataError `not_one_row` (406, PGRST116) when one object was asked for and there are none or several */
export function requireOneRow({ format }: RowsMedia, { rowCount }: Pick<PlanResult, 'rowCount'>): void {
  if (format !== 'object' || rowCount === 1) return;
  throw dataError('not_one_row', `One row was asked for, and the result has ${rowCount}.`, {
    code: 'PGRST116',
    details: `The result contains ${rowCount} rows`,
  });
}
