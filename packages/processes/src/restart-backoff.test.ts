import { expect, test } from 'vitest';
import { RestartBackoff } from './restart-backoff.js';

function backoff() {
  let now = 1_000;
  const clock = { now: () => now, monotonic: () => now };
  const delays = new RestartBackoff({ firstMs: 100, maxMs: 1_000, healthyAfterMs: 60_000, clock });
  /** A run of this many milliseconds. */
  const run = (lengthMs: number) => {
    delays.started();
    now += lengthMs;
    return delays.ended();
  };
  return { run };
}

test('waits twice as long after each short run, up to a limit, and never quite as long as others', () => {
  const { run } = backoff();
  const ended = Array.from({ length: 8 }, () => run(10));
  expect(ended.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  for (const [i, step] of [100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000].entries()) {
    expect(ended[i]?.delayMs).toBeGreaterThanOrEqual(step / 2);
    expect(ended[i]?.delayMs).toBeLessThanOrEqual(step);
  }
  expect(new Set(Array.from({ length: 20 }, () => run(10).delayMs)).size).toBeGreaterThan(1);
});

test('a run that lasted starts anew', () => {
  const { run } = backoff();
  for (let i = 0; i < 5; i++) run(60_000);
  expect(run(60_000).attempt).toBe(6);
  expect(run(60_001)).toMatchObject({ attempt: 1 });
  expect(run(0)).toMatchObject({ attempt: 2 });
});
