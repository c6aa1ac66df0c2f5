import { coreErrors } from '@reactor/core';

/** In UTF-8, as the public contract has it; also keeps an index entry small enough for PostgreSQL. */
const MAX_KEY_BYTES = 1024;

const CONTROL = /\p{Cc}/u;

/**
 * The key of an object as its path segment has it, decoded once. A key is opaque text; slashes only group it.
 * @throws ReactorError `invalid_request` (400)
 */
export function assertObjectKey(key: string): void {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw invalidKey(`must have at most ${MAX_KEY_BYTES} bytes in UTF-8`);
  if (CONTROL.test(key)) throw invalidKey('must not contain control characters');
  // HTTP clients rewrite such paths before they send them, so the object could not be reached again.
  if (key.split('/').some((segment) => segment === '.' || segment === '..')) {
    throw invalidKey('must not contain a segment "." or ".."');
  }
}

/** The beginning of keys to list: any text that a key could begin with. @throws as `assertObjectKey` does */
export function assertKeyPrefix(prefix: string): void {
  if (Buffer.byteLength(prefix) > MAX_KEY_BYTES || CONTROL.test(prefix)) {
    throw coreErrors.create.invalid_request(
      `The prefix must have at most ${MAX_KEY_BYTES} bytes in UTF-8 and no control characters.`,
    );
  }
}

function invalidKey(problem: string) {
  return coreErrors.create.invalid_request(`The object key ${problem}.`);
}
