import { expect, test, vi } from 'vitest';
import { Periodic } from './periodic.js';

function loop(run: (signal: AbortSignal) => Promise<void>, intervalMs = 2) {
  const ends: [string, unknown][] = [];
  const periodic = new Periodic({ intervalMs, run, onEnd: (result, error) => ends.push([result, error]) });
  return { periodic, ends };
}

/** `Promise.withResolvers` of newer versions of Node. */
function signalled() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test('passes follow each other, one at a time, also after one that failed', async () => {
  let [running, most, passes] = [0, 0, 0];
  const { periodic, ends } = loop(async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 3));
    running -= 1;
    passes += 1;
    if (passes === 2) throw new Error('the second');
  });
  periodic.start();
  periodic.start();
  await vi.waitFor(() => expect(ends.length).toBeGreaterThanOrEqual(4));
  await periodic.stop(AbortSignal.timeout(5_000));
  expect(most).toBe(1);
  expect(running).toBe(0);
  expect(ends.slice(0, 3)).toEqual([
    ['ok', undefined],
    ['failed', new Error('the second')],
    ['ok', undefined],
  ]);
});

test('stop tells the pass under way, waits for it, and counts it as nothing', async () => {
  let ended = false;
  const begun = signalled();
  const { periodic, ends } = loop(async (signal) => {
    begun.resolve();
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    ended = true;
    throw signal.reason;
  });
  periodic.start();
  await begun.promise;
  await periodic.stop(AbortSignal.timeout(5_000));
  expect(ended).toBe(true);
  expect(ends).toEqual([]);
});

test('stop gives a pass up that does not end by the deadline', async () => {
  const begun = signalled();
  const { periodic } = loop(async () => {
    begun.resolve();
    await new Promise(() => {});
  });
  periodic.start();
  await begun.promise;
  await periodic.stop(AbortSignal.timeout(10));
  await periodic.stop(AbortSignal.abort());
});

test('stops before the first pass, and starts anew', async () => {
  let passes = 0;
  const { periodic } = loop(async () => {
    passes += 1;
  });
  await periodic.stop(AbortSignal.timeout(5_000));
  periodic.start();
  await periodic.stop(AbortSignal.timeout(5_000));
  expect(passes).toBe(0);
  periodic.start();
  await vi.waitFor(() => expect(passes).toBeGreaterThan(0));
  await periodic.stop(AbortSignal.timeout(5_000));
});
