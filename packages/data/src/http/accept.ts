import { dataError } from '../errors.js';

/** How rows are answered. */
export interface RowsMedia {
  readonly kind: 'rows';
  readonly format: 'array' | 'object' | 'csv';
  readonly stripNulls: boolean;
  readonly contentType: string;
}

/** The plan of the statement is answered instead of its rows. */
export interface PlanMedia {
  readonly kind: 'plan';
  /** As EXPLAIN takes them. */
  readonly explainOptions: string;
  readonly contentType: string;
  /** How the rows would have been answered. */
  readonly rows: RowsMedia;
}

export type Media = RowsMedia | PlanMedia;

interface Range {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly q: number;
}

const ARRAY: RowsMedia = {
  kind: 'rows',
  format: 'array',
  stripNulls: false,
  contentType: 'application/json; charset=utf-8',
};

const ARRAY_TYPE = 'application/json';

const EXPLAIN_OPTIONS = ['analyze', 'verbose', 'settings', 'buffers', 'wal'];

/** One part of an Accept header: up to a comma that no quotes protect. */
const PART = /(?:"(?:\\.|[^"\\])*"?|[^",])+/g;
const PARAMETER = /;\s*([^\s=;]+)\s*=\s*(?:"((?:\\.|[^"\\])*)"|([^\s;]*))/g;

/**
 * Chooses by `Accept` (RFC 9110 §12.5.1): the known type of highest quality, the first of equals.
 * @throws DataError `not_acceptable` (406, PGRST107)
 */
export function chooseMedia(header: string | null, { planEnabled }: { readonly planEnabled: boolean }): Media {
  // What most clients send is not worth a parse.
  if (header === null || header === '*/*' || header === ARRAY_TYPE || header.trim() === '') return ARRAY;
  const ranges = Array.from(header.matchAll(PART), ([part]) => parseRange(part)).filter(({ q }) => q > 0);
  ranges.sort((a, b) => b.q - a.q);
  for (const range of ranges) {
    const media = toMedia(range, planEnabled);
    if (media !== undefined) return media;
  }
  throw dataError('not_acceptable', `None of these media types is available: ${header}`, {
    code: 'PGRST107',
    hint: `Available: application/json, application/vnd.pgrst.object+json, application/vnd.pgrst.array+json, text/csv${
      planEnabled ? ', application/vnd.pgrst.plan+json, application/vnd.pgrst.plan+text' : ''
    }`,
  });
}

function parseRange(part: string): Range {
  const type = part.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const parameters = new Map(
    Array.from(part.matchAll(PARAMETER), ([, name = '', quoted, plain = '']): [string, string] => [
      name.toLowerCase(),
      quoted === undefined ? plain : quoted.replaceAll(/\\(.)/g, '$1'),
    ]),
  );
  const q = Number(parameters.get('q') ?? 1);
  return { type, parameters, q: q >= 0 && q <= 1 ? q : 1 };
}

function toMedia(range: Range, planEnabled: boolean): Media | undefined {
  const { type, parameters } = range;
  const stripNulls = parameters.get('nulls') === 'stripped';
  const stripped = stripNulls ? '; nulls=stripped' : '';
  switch (type) {
    case '*/*':
    case 'application/*':
    case ARRAY_TYPE:
      return ARRAY;
    case 'application/vnd.pgrst.array':
    case 'application/vnd.pgrst.array+json':
      return { ...ARRAY, stripNulls, contentType: `application/vnd.pgrst.array+json${stripped}; charset=utf-8` };
    case 'application/vnd.pgrst.object':
    case 'application/vnd.pgrst.object+json':
      return {
        kind: 'rows',
        format: 'object',
        stripNulls,
        contentType: `application/vnd.pgrst.object+json${stripped}; charset=utf-8`,
      };
    case 'text/csv':
      return { kind: 'rows', format: 'csv', stripNulls: false, contentType: 'text/csv; charset=utf-8' };
    case 'application/vnd.pgrst.plan':
    case 'application/vnd.pgrst.plan+text':
    case 'application/vnd.pgrst.plan+json':
      return planEnabled ? planMedia(range) : undefined;
  }
  return undefined;
}

function planMedia({ type, parameters }: Range): PlanMedia | undefined {
  const format = type.endsWith('+json') ? 'JSON' : 'TEXT';
  const options = (parameters.get('options') ?? '')
    .toLowerCase()
    .split('|')
    .filter((option) => option !== '');
  if (options.some((option) => !EXPLAIN_OPTIONS.includes(option))) return undefined;
  const rows = chooseMedia(parameters.get('for') ?? null, { planEnabled: false });
  if (rows.kind === 'plan') return undefined;
  return {
    kind: 'plan',
    explainOptions: [...options.map((option) => option.toUpperCase()), `FORMAT ${format}`].join(', '),
    contentType: `application/vnd.pgrst.plan+${format.toLowerCase()}; charset=utf-8`,
    rows,
  };
}
