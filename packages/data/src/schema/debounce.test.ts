import { systemClock } from '@reactor/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Debounce } from './debounce.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function debounce() {
  const work = vi.fn();
  return { work, one: new Debounce({ ...systemClock, monotonic: () => Date.now() }, work) };
}

async function burst(one: Debounce, { times, everyMs }: { readonly times: number; readonly everyMs: number }) {
  for (let i = 0; i < times; i++) {
    one.happened();
    await vi.advanceTimersByTimeAsync(everyMs);
  }
}

test('what comes alone is done at once, and once', async () => {
  const { one, work } = debounce();
  await burst(one, { times: 3, everyMs: 5_000 });
  expect(work).toHaveBeenCalledTimes(3);
});

test('a burst is done at its beginning, and when it is over', async () => {
  const { one, work } = debounce();
  await burst(one, { times: 50, everyMs: 10 });
  expect(work).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(89);
  expect(work).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(work).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).toHaveBeenCalledTimes(2);
});

test('a burst without end is done every second', async () => {
  const { one, work } = debounce();
  await burst(one, { times: 1_000, everyMs: 10 });
  expect(work).toHaveBeenCalledTimes(10);
});

test('nothing is done once it is stopped', async () => {
  const { one, work } = debounce();
  await burst(one, { times: 2, everyMs: 1 });
  one.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).toHaveBeenCalledTimes(1);
});
