import { expect, onTestFinished, test, vi } from 'vitest';
import { createLogFeed } from './feed.js';
import type { LogQuery } from './query.js';
import { createLogRing } from './ring.js';

/** Time stands until it is moved; turns of the event loop are real. */
function setUp(ringBytes = 1024 * 1024) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const ring = createLogRing(ringBytes, 'boot');
  const source = { ring, ending: false, opened: () => {}, closed: () => {}, overtaken: () => {} };
  const feed = createLogFeed(source);
  return {
    feed,
    ring,
    source,
    write: (line: string) => ring.append({ time: 0, level: 'info', target: 'reactor_test', line }),
  };
}

type Setting = ReturnType<typeof setUp>;

const ALL: LogQuery = {
  follow: true,
  since: Number.NEGATIVE_INFINITY,
  limit: 0,
  matches: () => true,
  selection: '[]',
};

/** A few turns of the event loop: what was going to happen without time going by has happened. */
async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A follower that writes down the sequences it got, in one list per wake-up. */
function follow({ feed, ring }: Setting): number[][] {
  const got: number[][] = [];
  let cursor = ring.next;
  const wait = () => {
    feed.wait(cursor, () => {
      const { bytes, next } = feed.live(cursor, ALL);
      if (bytes.length > 0)
        got.push([...String(Buffer.from(bytes)).matchAll(/^id: boot-(\d+)$/gm)].map(([, id]) => Number(id)));
      cursor = next;
      wait();
    });
  };
  wait();
  return got;
}

test('a line after a pause goes out at once, those that follow together after a tenth of a second', async () => {
  const setting = setUp();
  const got = follow(setting);
  setting.write('a');
  await turns();
  expect(got).toEqual([[1]]);
  for (const line of ['b', 'c', 'd']) {
    setting.write(line);
    await turns();
    await vi.advanceTimersByTimeAsync(30);
  }
  expect(got).toEqual([[1]]);
  await vi.advanceTimersByTimeAsync(10);
  await turns();
  expect(got).toEqual([[1], [2, 3, 4]]);
  // Nothing was written in this one, so the next line waits for nobody.
  await vi.advanceTimersByTimeAsync(100);
  setting.write('e');
  await turns();
  expect(got).toEqual([[1], [2, 3, 4], [5]]);
});

test('lines do not wait when the ring could drop them meanwhile', async () => {
  const setting = setUp(64 * 1024);
  const got = follow(setting);
  for (let n = 1; n <= 500; n++) {
    setting.write('x'.repeat(1000));
    if (n % 5 === 0) await turns();
  }
  await vi.advanceTimersByTimeAsync(100);
  await turns();
  expect(got.flat()).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
  expect(got.length).toBeLessThan(60);
});

test('a line that was written while the only follower was busy reaches it when it waits again', async () => {
  const { feed, ring, write } = setUp();
  let woken = 0;
  const wake = () => woken++;
  feed.wait(ring.next, wake);
  write('a');
  await turns();
  expect(woken).toBe(1);
  write('b');
  await vi.advanceTimersByTimeAsync(200);
  feed.wait(2, wake);
  await turns();
  expect(woken).toBe(2);
  expect(feed.live(2, ALL).next).toBe(3);
});

test('followers are woken a few a turn, and those that want the same share one chunk', async () => {
  const { feed, ring, write } = setUp();
  const chunks: unknown[] = [];
  const cursor = ring.next;
  for (let n = 0; n < 40; n++) {
    feed.wait(cursor, () => chunks.push(feed.live(cursor, n % 2 === 0 ? ALL : { ...ALL, selection: 'other' })));
  }
  write('a');
  const sizes = [0];
  while (chunks.length < 40) {
    await turns(1);
    sizes.push(chunks.length);
  }
  expect(Math.max(...sizes.map((size, i) => size - (sizes[i - 1] ?? 0)))).toBeLessThan(10);
  expect(new Set(chunks).size).toBe(2);
  // Afterwards nothing is kept for them.
  await turns();
  expect(feed.live(cursor, ALL)).not.toBe(feed.live(cursor, ALL));
});

test('a follower that gave up is not woken, in the middle of a round either', async () => {
  const { feed, ring, write } = setUp();
  let woken = 0;
  const forget = Array.from({ length: 40 }, () => feed.wait(ring.next, () => woken++));
  forget[0]?.();
  write('a');
  while (woken === 0) await turns(1);
  for (const giveUp of forget) giveUp();
  const before = woken;
  await turns(20);
  expect(woken).toBe(before);
  expect(before).toBeLessThan(20);
});

test('the end wakes everybody at once, with what was written until then', async () => {
  const setting = setUp();
  const { feed, ring, source, write } = setting;
  const got = follow(setting);
  write('a');
  await turns();
  write('b');
  await turns();
  expect(got).toEqual([[1]]);
  source.ending = true;
  ring.wake();
  while (got.length < 2) await turns(1);
  expect(got).toEqual([[1], [2]]);
  expect(feed.live(1, ALL).next).toBe(3);
});
