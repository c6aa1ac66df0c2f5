import type { Clock } from '@reactor/core';
import { expect, test } from 'vitest';
import { networkOf, Throttle } from './throttle.js';

function createClock(): Clock & { ms: number } {
  return {
    ms: 0,
    now() {
      return this.ms;
    },
    monotonic() {
      return this.ms;
    },
  };
}

test('allows the limit per window and says when the next begins', () => {
  const clock = createClock();
  const throttle = new Throttle({ limit: 2, windowMs: 10_000, maxKeys: 10 }, clock);
  throttle.hit('a');
  clock.ms = 8_500;
  throttle.hit('a');
  expect(() => throttle.hit('a')).toThrow(
    expect.objectContaining({ code: 'too_many_requests', status: 429, headers: { 'Retry-After': '2' } }),
  );
  throttle.hit('b');
  clock.ms = 10_000;
  throttle.hit('a');
  throttle.hit('a');
  expect(() => throttle.hit('a')).toThrow();
});

test('forgives', () => {
  const throttle = new Throttle({ limit: 1, windowMs: 10_000, maxKeys: 10 }, createClock());
  throttle.hit('a');
  throttle.forgive('a');
  throttle.hit('a');
});

test('remembers a bounded number of keys and drops what is over first', () => {
  const clock = createClock();
  const throttle = new Throttle({ limit: 1, windowMs: 10_000, maxKeys: 100 }, clock);
  for (let i = 0; i < 1_000; i++) throttle.hit(`key-${i}`);
  expect(throttle.size).toBe(100);
  expect(() => throttle.hit('key-999')).toThrow();
  throttle.hit('key-0');
  clock.ms = 10_000;
  throttle.hit('later');
  expect(throttle.size).toBe(1);
});

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['1::', '1:0:0:0::/64'],
  ['unknown', 'unknown'],
])('counts %s as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
