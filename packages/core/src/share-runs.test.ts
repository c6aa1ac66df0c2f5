import { expect, test } from 'vitest';
import { shareRuns } from './share-runs.js';

test('those who call while it runs share its outcome, and the next starts anew, after a failure too', async () => {
  const ends: ((error?: Error) => void)[] = [];
  const run = shareRuns(
    () =>
      new Promise<number>((resolve, reject) => {
        const number = ends.length + 1;
        ends.push((error) => (error === undefined ? resolve(number) : reject(error)));
      }),
  );
  const first = [run(), run()];
  ends[0]?.();
  expect(await Promise.all(first)).toEqual([1, 1]);
  const second = [run(), run()];
  ends[1]?.(new Error('no'));
  await expect(Promise.all(second)).rejects.toThrow('no');
  const third = run();
  ends[2]?.();
  expect(await third).toBe(3);
  expect(ends).toHaveLength(3);
});
