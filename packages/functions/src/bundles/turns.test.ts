import { expect, it } from 'vitest';
import { Turns } from './turns.js';

const never = new AbortController().signal;

it('lets so many run at once, in their order, and goes on when one throws', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const runs = [0, 1, 2, 3].map((i) =>
    turns.run(never, async () => {
      begun.push(i);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (i === 0) throw new Error('broken');
      return i;
    }),
  );
  await expect.poll(() => begun).toEqual([0, 1]);
  ends[0]?.();
  await expect(runs[0]).rejects.toThrow('broken');
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  ends[1]?.();
  ends[2]?.();
  await expect.poll(() => begun).toEqual([0, 1, 2, 3]);
  ends[3]?.();
  expect(await Promise.all(runs.slice(1))).toEqual([1, 2, 3]);
});

it('forgets who leaves while waiting', async () => {
  const turns = new Turns(1);
  let end = () => {};
  const first = turns.run(never, () => new Promise<void>((resolve) => (end = resolve)));
  const leaving = new AbortController();
  const second = turns.run(leaving.signal, async () => 'second');
  const third = turns.run(never, async () => 'third');
  leaving.abort(new Error('left'));
  await expect(second).rejects.toThrow('left');
  await expect(turns.run(leaving.signal, async () => 'fourth')).rejects.toThrow('left');
  end();
  await first;
  expect(await third).toBe('third');
  expect(await turns.run(never, async () => 'fifth')).toBe('fifth');
});
