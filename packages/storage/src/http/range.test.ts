import { expect, it } from 'vitest';
import { parseRange } from './range.js';

it.each([
  ['bytes=0-0', 10, { start: 0, end: 0 }],
  ['bytes=2-4', 10, { start: 2, end: 4 }],
  ['bytes=2-', 10, { start: 2, end: 9 }],
  ['bytes=2-99', 10, { start: 2, end: 9 }],
  ['bytes=9-', 10, { start: 9, end: 9 }],
  ['bytes=-3', 10, { start: 7, end: 9 }],
  ['bytes=-99', 10, { start: 0, end: 9 }],
  ['BYTES=0-1', 10, { start: 0, end: 1 }],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  [`bytes=${'9'.repeat(400)}-`, 10, 'unsatisfiable'],
  ['bytes=10-99', 10, 'unsatisfiable'],
  ['bytes=4-2', 10, undefined],
  ['bytes=12-11', 10, undefined],
  ['bytes=-5', 0, undefined],
  ['bytes=-', 10, undefined],
  ['bytes=0-1,3-4', 10, undefined],
  ['items=0-1', 10, undefined],
  ['bytes=a-b', 10, undefined],
  ['', 10, undefined],
  [undefined, 10, undefined],
] as const)('reads %s of %i bytes', (header, size, expected) => {
  expect(parseRange(header, size)).toEqual(expected);
});
