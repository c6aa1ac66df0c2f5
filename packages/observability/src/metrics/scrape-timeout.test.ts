import { expect, test } from 'vitest';
import { collectorTimeoutMs } from './scrape-timeout.js';

test.each([
  [undefined, 2000],
  ['10', 9500],
  ['1', 500],
  ['0.5', 250],
  ['86400', 29_500],
  ['0', 2000],
  ['-1', 2000],
  ['NaN', 2000],
  ['1e9', 2000],
  ['soon', 2000],
])('a scrape timeout of %s leaves a collector %d ms', (header, expected) => {
  expect(collectorTimeoutMs(header)).toBe(expected);
});
