import { expect, it } from 'vitest';
import { assertKeyPrefix, assertObjectKey } from './object-key.js';

it.each(['a', 'a/b', 'ä ö/日本', '.hidden', '..a', 'a..', 'health', 'a//b', '/a', 'a/', '%2F', 'a'.repeat(1024), '…'])(
  'takes %j',
  (key) => {
    expect(() => assertObjectKey(key)).not.toThrow();
  },
);

it.each([
  ['..', 'segment'],
  ['.', 'segment'],
  ['a/../b', 'segment'],
  ['a/.', 'segment'],
  ['a\0', 'control'],
  ['a\nb', 'control'],
  ['a\u007f', 'control'],
  ['a\u0085', 'control'],
  ['a'.repeat(1025), '1024 bytes'],
  ['€'.repeat(342), '1024 bytes'],
])('refuses %j: %s', (key, problem) => {
  expect(() => assertObjectKey(key)).toThrow(problem);
});

it('takes any beginning of a key for a prefix', () => {
  expect(() => assertKeyPrefix('')).not.toThrow();
  expect(() => assertKeyPrefix('a/..')).not.toThrow();
  expect(() => assertKeyPrefix('a\0')).toThrow('control characters');
  expect(() => assertKeyPrefix('a'.repeat(1025))).toThrow('1024 bytes');
});
