import { expect, test } from 'vitest';
import { LogThrottle } from './log-throttle.js';

test('says the first at once, and how many came since, once each time is over', () => {
  let now = 0;
  const said: number[] = [];
  const throttle = new LogThrottle({ now: () => now, monotonic: () => now }, 60_000, (count) => said.push(count));
  throttle.happened();
  expect(said).toEqual([1]);
  for (now = 1; now < 60_000; now += 1_000) throttle.happened();
  expect(said).toEqual([1]);
  now = 60_000;
  throttle.happened();
  expect(said).toEqual([1, 61]);
  now = 1_000_000;
  throttle.happened();
  expect(said).toEqual([1, 61, 1]);
});
