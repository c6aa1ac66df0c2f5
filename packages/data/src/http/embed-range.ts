import { dataError } from '../errors.js';
import type { EmbedItem, ReadQuery } from '../query/index.js';

/** What the name of a header may hold (RFC 9110 §5.1). */
const TOKEN = /^[!#$%&'*+.^`|~\w-]+$/;

/**
 * The query with the pages that Reactor's own clients ask for by header: `films-limit: 3` and `films-offset: 6` of what
 * is embedded as `films` into the root. The header wins.
 * @throws DataError `invalid_query` (400, PGRST100) for a header that is not a whole number
 */
export function withEmbedRanges(query: ReadQuery, headers: Headers): ReadQuery {
  const select = query.select.map((item) => (item.kind === 'embed' ? withRange(item, headers) : item));
  return { ...query, select };
}

function withRange(item: EmbedItem, headers: Headers): EmbedItem {
  const name = item.alias ?? item.target;
  if (!TOKEN.test(name)) return item;
  const limit = countOf(headers, `${name}-limit`);
  const offset = countOf(headers, `${name}-offset`);
  if (limit === undefined && offset === undefined) return item;
  const range = { ...(limit === undefined ? {} : { limit }), ...(offset === undefined ? {} : { offset }) };
  return { ...item, query: { ...item.query, ...range } };
}

function countOf(headers: Headers, name: string): number | undefined {
  const text = headers.get(name);
  if (text === null) return undefined;
  // PostgreSQL's bigint is wider, but no table is.
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw dataError('invalid_query', `The header ${name} must be a whole number.`, { code: 'PGRST100' });
}
