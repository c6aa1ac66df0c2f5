import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ReadingTimer } from './reading-timer.js';

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function timer({ enabled = true } = {}) {
  const work = vi.fn(async () => {});
  const next = new ReadingTimer(work);
  if (enabled) next.enable();
  return { next, work };
}

test.each([
  ['as often as asked', 100, 5_000, 5_000],
  ['nine times as long after as it took', 2_000, 5_000, 18_000],
])('after a success %s', async (_, tookMs, everyMs, expected) => {
  const { next, work } = timer();
  next.afterSuccess(tookMs, everyMs);
  await vi.advanceTimersByTimeAsync(expected - 1);
  expect(work).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(work).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(100_000);
  expect(work).toHaveBeenCalledTimes(1);
});

test('after a success not at all where nobody asks, nor before it is enabled, nor once it is stopped', async () => {
  const [unasked, early, late] = [timer(), timer({ enabled: false }), timer()];
  unasked.next.afterFailure();
  unasked.next.afterSuccess(1, undefined);
  early.next.afterSuccess(1, 1);
  late.next.afterSuccess(1, 1);
  late.next.stop();
  late.next.afterFailure();
  await vi.advanceTimersByTimeAsync(100_000);
  for (const { work } of [unasked, early, late]) expect(work).not.toHaveBeenCalled();
});

test('after failures, each time later', async () => {
  const { next, work } = timer();
  const waits = [];
  for (let i = 0; i < 7; i++) {
    const began = Date.now();
    next.afterFailure();
    await vi.advanceTimersToNextTimerAsync();
    waits.push(Date.now() - began);
  }
  expect(waits).toEqual([750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500]);
  expect(work).toHaveBeenCalledTimes(7);
});
