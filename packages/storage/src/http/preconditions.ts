import { coreErrors } from '@reactor/core';
import { storageErrors } from '../errors.js';

type EntityTags = '*' | readonly string[];

/** What a request demands of the object as it is now (RFC 9110 §13.1). */
export interface Preconditions {
  readonly ifMatch?: EntityTags;
  readonly ifNoneMatch?: EntityTags;
}

const LIST = /^(?:W\/)?"[^"]*"(?:[ \t]*,[ \t]*(?:W\/)?"[^"]*")*$/;
const TAG = /(?:W\/)?"[^"]*"/g;

/**
 * Reads `If-Match` and `If-None-Match`.
 * @throws ReactorError `invalid_request` (400) for another form: ignoring it could overwrite what it was to protect
 */
export function parsePreconditions(headers: Headers): Preconditions {
  const ifMatch = parseTags('If-Match', headers);
  const ifNoneMatch = parseTags('If-None-Match', headers);
  return { ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) };
}

/** @param etag of the object as it is now, quoted; undefined when there is none */
export function matchesIfMatch({ ifMatch }: Preconditions, etag: string | undefined): boolean {
  if (ifMatch === undefined) return true;
  // Strong comparison: a weak tag never matches (§8.8.3.2).
  return etag !== undefined && (ifMatch === '*' || ifMatch.includes(etag));
}

/** @param etag as for `matchesIfMatch` */
export function matchesIfNoneMatch({ ifNoneMatch }: Preconditions, etag: string | undefined): boolean {
  if (ifNoneMatch === undefined || etag === undefined) return true;
  return ifNoneMatch !== '*' && !ifNoneMatch.some((tag) => tag.replace(/^W\//, '') === etag);
}

/** For requests that change something. @throws ReactorError `precondition_failed` (412) */
export function assertPreconditions(preconditions: Preconditions, etag: string | undefined): void {
  if (!matchesIfMatch(preconditions, etag)) throw preconditionFailed('If-Match');
  if (!matchesIfNoneMatch(preconditions, etag)) throw preconditionFailed('If-None-Match');
}

/** @throws ReactorError `precondition_failed` (412) */
export function preconditionFailed(header: string) {
  return storageErrors.create.precondition_failed(`The current object does not satisfy ${header}.`);
}

function parseTags(name: string, headers: Headers): EntityTags | undefined {
  const value = headers.get(name);
  if (value === null) return undefined;
  if (value === '*') return '*';
  if (!LIST.test(value)) {
    throw coreErrors.create.invalid_request(`${name} must be * or a list of quoted entity tags, as ETag has them.`);
  }
  return value.match(TAG) ?? [];
}
