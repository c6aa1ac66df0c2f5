import { QueryError } from './query-error.js';
import { quoted } from './scanner.js';

/** Rows to write, as JSON that PostgreSQL reads. */
export interface RowsBody {
  /** A JSON array of objects. */
  readonly json: string;
  /** Without repeats. */
  readonly columns: readonly string[];
  readonly rowCount: number;
}

/** Rows of one body. Reading a million tiny ones would hold up every other request for seconds. */
export const MAX_ROWS = 100_000;
const SEVERAL = 'Send them in several requests.';

/**
 * An object, or an array of objects with the same keys. PostgreSQL gets the text as it came, so that no number loses
 * digits on the way.
 * @param columns of the `columns` parameter: they count instead of the keys, which may then differ from row to row
 * @throws QueryError PGRST102 for anything else
 */
export function parseRows(text: string, columns?: readonly string[]): RowsBody {
  const body = parseJson(text);
  const rows: unknown[] = Array.isArray(body) ? body : [body];
  if (rows.length > MAX_ROWS) {
    throw invalidBody(`The body has ${rows.length} rows; at most ${MAX_ROWS} are accepted.`, undefined, SEVERAL);
  }
  const json = Array.isArray(body) ? text : `[${text}]`;
  let keys: Set<string> | undefined;
  for (const [index, row] of rows.entries()) {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw invalidBody(
        'The body must be a JSON object or an array of JSON objects.',
        `Row ${index + 1} is not an object.`,
      );
    }
    if (columns !== undefined) continue;
    const own = Object.keys(row);
    keys ??= new Set(own);
    const known = keys;
    const odd = own.find((key) => !known.has(key)) ?? (own.length < known.size ? missing(known, own) : undefined);
    if (odd !== undefined) {
      throw invalidBody(
        'All rows must have the same keys.',
        `Row ${index + 1} and the first row differ in ${quoted(odd)}.`,
        'Name the columns in the columns parameter to send rows that leave some of them out.',
      );
    }
  }
  return { json, columns: [...new Set(columns ?? keys ?? [])], rowCount: rows.length };
}

/** Values within each other. Reading deeper ones takes thirty times as long as flat ones of that size. */
const MAX_JSON_DEPTH = 1000;

/** @throws QueryError PGRST102 when `text` is not JSON, or nests too deep */
export function parseJson(text: string): unknown {
  if (isDeeper(text, MAX_JSON_DEPTH)) {
    throw invalidBody(`The body nests too deep; at most ${MAX_JSON_DEPTH} levels are accepted.`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidBody('The body is not valid JSON.', error instanceof Error ? error.message : undefined);
  }
}

export function invalidBody(message: string, details?: string, hint?: string): QueryError {
  return new QueryError('invalid_body', 'PGRST102', message, {
    ...(details === undefined ? {} : { details }),
    ...(hint === undefined ? {} : { hint }),
  });
}

function isDeeper(text: string, maxDepth: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth -= 1;
    if (depth > maxDepth) return true;
  }
  return false;
}

function missing(keys: ReadonlySet<string>, own: readonly string[]): string | undefined {
  const present = new Set(own);
  return [...keys].find((key) => !present.has(key));
}
