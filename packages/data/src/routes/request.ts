import { coreErrors, type Principal, type ReactorEnv, signalOfRequest } from '@reactor/core';
import type { Context } from 'hono';
import type { DataConfig } from '../config.js';
import { dataError } from '../errors.js';
import type { Session } from '../execute/session.js';
import { chooseMedia, type Media, type RowsMedia } from '../http/accept.js';
import { type Preferences, parsePrefer } from '../http/prefer.js';
import type { RowRange } from '../http/range.js';
import type { OutputOptions } from '../plan/index.js';
import { defaultQueryLimits, type QueryLimits, type ReadQuery } from '../query/index.js';
import { EXPOSED_SCHEMA } from '../schema/schema-cache.js';

/** What every request on a table or function says in addition to its query. */
export interface DataRequest {
  /** As the caller sent it, with the mount point. */
  readonly path: string;
  readonly parameters: URLSearchParams;
  readonly preferences: Preferences;
  /** How rows are counted: as preferred, but never by a guess that the caller must not learn. */
  readonly count: Preferences['count'];
  readonly media: Media;
  /** How the rows are answered, or would be if their plan were not asked for. */
  readonly rows: RowsMedia;
}

/** @throws DataError for a header of another form, or a media type that is not available */
export function readHeaders(c: Context<ReactorEnv>, principal: Principal, config: DataConfig): DataRequest {
  const { headers, url } = c.req.raw;
  assertProfile(headers);
  const media = chooseMedia(headers.get('Accept'), config);
  const preferences = parsePrefer(headers.get('Prefer'));
  // The planner knows the values of all rows; asked how many are greater than some value, it reveals hidden ones.
  const mayGuess = config.planEnabled || principal.kind === 'system';
  const { pathname, searchParams } = new URL(url);
  return {
    path: pathname,
    parameters: searchParams,
    preferences,
    count: preferences.count === undefined || mayGuess ? preferences.count : 'exact',
    media,
    rows: media.kind === 'plan' ? media.rows : media,
  };
}

/** Ignoring it would answer from another table than was meant. @throws DataError `schema_not_exposed` (406, PGRST106) */
function assertProfile(headers: Headers): void {
  for (const name of ['Accept-Profile', 'Content-Profile']) {
    const schema = headers.get(name) ?? EXPOSED_SCHEMA;
    if (schema === EXPOSED_SCHEMA) continue;
    throw dataError('schema_not_exposed', `The schema ${JSON.stringify(schema)} is not exposed.`, {
      code: 'PGRST106',
      hint: `Only the schema ${EXPOSED_SCHEMA} is.`,
    });
  }
}

/** A segment of the path, decoded. @throws ReactorError `invalid_request` (400) */
export function nameOf(c: Context<ReactorEnv>, { path }: DataRequest, parameter: string): string {
  try {
    // Hono leaves what it cannot decode as it is, and two paths would name one table.
    decodeURIComponent(path);
  } catch {
    throw coreErrors.create.invalid_request('The path must be percent-encoded UTF-8.');
  }
  return c.req.param(parameter) ?? '';
}

export function sessionOf(
  c: Context<ReactorEnv>,
  principal: Principal,
  { path, preferences }: DataRequest,
  config: DataConfig,
  { readOnly }: { readonly readOnly: boolean },
): Session {
  return {
    principal,
    method: c.req.method,
    path,
    readOnly,
    statementTimeoutMs:
      principal.kind === 'anonymous'
        ? Math.min(config.statementTimeoutMs, config.anonymousStatementTimeoutMs)
        : config.statementTimeoutMs,
    timeZone: preferences.timezone,
    signal: signalOfRequest(c),
  };
}

export function queryLimits({ maxEmbedDepth }: DataConfig): QueryLimits {
  return { ...defaultQueryLimits, maxEmbedDepth };
}

/** The query with the rows that the header asks for, and never without a limit. The header wins. */
export function paged(query: ReadQuery, range: RowRange | undefined, config: DataConfig): ReadQuery & RowRange {
  const { offset = 0, limit = config.defaultLimit } = range ?? query;
  return { ...query, offset, limit: Math.min(limit, config.maxLimit) };
}

export function outputOptions({ media, rows, count }: DataRequest, { maxLimit, maxResultBytes }: DataConfig) {
  return {
    format: rows.format,
    stripNulls: rows.stripNulls,
    maxRows: maxLimit,
    ...(media.kind === 'plan' ? {} : { maxBytes: maxResultBytes }),
    ...(count === undefined ? {} : { count }),
  } satisfies OutputOptions & { maxRows: number };
}
