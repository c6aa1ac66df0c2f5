import { expect, test } from 'vitest';
import { contentRange, parseRowRange, rangeStatus } from './range.js';

test.each([
  [null, undefined],
  ['0-24', { offset: 0, limit: 25 }],
  ['items=5-5', { offset: 5, limit: 1 }],
  [' items = 5- ', { offset: 5 }],
  ['bytes=0-10', undefined],
])('reads %j', (header, expected) => {
  expect(parseRowRange(header)).toEqual(expected);
});

test.each(['', '-5', '5', 'a-b', '0-1,3-4', '0-9999999999999999', 'items=1.5-2'])('refuses %j', (header) => {
  expect(() => parseRowRange(header)).toThrow('must have the form');
});

test('reads any header in linear time', () => {
  // A quadratic reader needs hours.
  expect(() => parseRowRange(`x${' '.repeat(2_000_000)}x`)).toThrow('must have the form');
});

test('refuses a range that ends before it begins', () => {
  expect(() => parseRowRange('5-4')).toThrow(expect.objectContaining({ status: 416 }));
});

test('says which rows an answer holds', () => {
  expect(contentRange(0, 10, 42)).toBe('0-9/42');
  expect(contentRange(5, 1, undefined)).toBe('5-5/*');
  expect(contentRange(5, 0, undefined)).toBe('*/*');
  expect(contentRange(0, 0, 0)).toBe('*/0');
});

test('tells a part from the whole', () => {
  expect(rangeStatus(0, 10, undefined)).toBe(200);
  expect(rangeStatus(0, 10, 10)).toBe(200);
  expect(rangeStatus(0, 9, 10)).toBe(206);
  expect(rangeStatus(10, 0, 10)).toBe(206);
  expect(rangeStatus(0, 0, 0)).toBe(200);
  expect(() => rangeStatus(11, 0, 10)).toThrow(
    expect.objectContaining({ status: 416, headers: { 'Content-Range': '*/10' } }),
  );
});
