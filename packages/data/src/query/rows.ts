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

/**
 * An object, or an array of objects with the same keys. PostgreSQL gets the text as it came, so that no number loses
 * digits on the way.
 * @param columns of the `columns` parameter: they count instead of the keys, which may then differ from row to row
 * @throws QueryError PGRST102 for anything else
 */
export function parseRows(text: string, columns?: readonly string[]): RowsBody {
  const body = parseJson(text);
  const rows: unknown[] = Array.isArray(body) ? body : [body];
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

/** @throws QueryError PGRST102 when `text` is not JSON */
export function parseJson(text: string): unknown {
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

function missing(keys: ReadonlySet<string>, own: readonly string[]): string | undefined {
  const present = new Set(own);
  return [...keys].find((key) => !present.has(key));
}
