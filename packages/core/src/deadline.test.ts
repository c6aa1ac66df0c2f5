import { expect, test } from 'vitest';
import { DeadlineExceeded, withDeadline } from './deadline.js';

test('what settles in time passes through', async () => {
  expect(await withDeadline(1000, () => 1)).toBe(1);
  const failure = new Error('no');
  await expect(withDeadline(1000, () => Promise.reject(failure))).rejects.toBe(failure);
  await expect(
    withDeadline(1000, () => {
      throw failure;
    }),
  ).rejects.toBe(failure);
});

test('work that hangs is given up, its signal aborted, its late failure swallowed', async () => {
  let failLate = (_: Error) => {};
  let seen: AbortSignal | undefined;
  const outcome = withDeadline(5, (signal) => {
    seen = signal;
    return new Promise((_, reject) => {
      failLate = reject;
    });
  });
  await expect(outcome).rejects.toEqual(new DeadlineExceeded(5));
  expect(seen?.aborted).toBe(true);
  failLate(new Error('too late'));
});

test('an outer signal ends it with its own reason, also one that is already over', async () => {
  const outer = new AbortController();
  const hanging = withDeadline(10_000, () => new Promise(() => {}), outer.signal);
  outer.abort(new Error('client gone'));
  await expect(hanging).rejects.toThrow('client gone');
  await expect(withDeadline(10_000, () => new Promise(() => {}), outer.signal)).rejects.toThrow('client gone');
});
