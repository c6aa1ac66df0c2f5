import { expect, test } from 'vitest';
import { jitteredDelayMs } from './backoff.js';

test.each([
  [0, 50, 100],
  [3, 400, 800],
  [20, 500, 1_000],
  [5_000, 500, 1_000],
])('attempt %d waits between %d and %d ms', (attempt, least, most) => {
  const delays = Array.from({ length: 200 }, () => jitteredDelayMs(attempt, { firstMs: 100, maxMs: 1_000 }));
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(least);
  expect(Math.max(...delays)).toBeLessThanOrEqual(most);
  expect(new Set(delays).size).toBeGreaterThan(100);
});
