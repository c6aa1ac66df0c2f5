import { describe, expect, it } from 'vitest';
import { matchesIfMatch, matchesIfNoneMatch, parsePreconditions } from './preconditions.js';

const ETAG = '"abc"';

function parse(headers: Record<string, string>) {
  return parsePreconditions(new Headers(headers));
}

describe('If-Match', () => {
  it.each([
    ['*', ETAG, true],
    ['*', undefined, false],
    ['"abc"', ETAG, true],
    ['"x", "abc"', ETAG, true],
    ['"x,abc"', ETAG, false],
    ['W/"abc"', ETAG, false],
    ['"abc"', undefined, false],
  ])('%s against %s: %s', (header, etag, expected) => {
    expect(matchesIfMatch(parse({ 'If-Match': header }), etag)).toBe(expected);
  });
});

describe('If-None-Match', () => {
  it.each([
    ['*', ETAG, false],
    ['*', undefined, true],
    ['"abc"', ETAG, false],
    ['"x" , W/"abc"', ETAG, false],
    ['"x","y"', ETAG, true],
    ['"abc"', undefined, true],
  ])('%s against %s: %s', (header, etag, expected) => {
    expect(matchesIfNoneMatch(parse({ 'If-None-Match': header }), etag)).toBe(expected);
  });
});

it('holds where nothing is demanded', () => {
  expect(matchesIfMatch(parse({}), undefined)).toBe(true);
  expect(matchesIfNoneMatch(parse({}), ETAG)).toBe(true);
});

it.each(['abc', '"abc', '"a" "b"', '*,"a"', '"a",', ''])('refuses %j', (header) => {
  expect(() => parse({ 'If-None-Match': header })).toThrow(/If-None-Match must be/);
  expect(() => parse({ 'If-Match': header })).toThrow(/If-Match must be/);
});

it('is done with a hostile header at once', () => {
  const started = performance.now();
  expect(() => parse({ 'If-Match': `${'"a",'.repeat(50_000)}x` })).toThrow();
  expect(() => parse({ 'If-Match': `"a"${' '.repeat(50_000)}x` })).toThrow();
  expect(performance.now() - started).toBeLessThan(1_000);
});
