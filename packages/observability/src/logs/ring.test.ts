import { expect, test } from 'vitest';
import { createLogRing } from './ring.js';

function record(line: string) {
  return { time: 0, level: 'info', target: 'reactor_test', line } as const;
}

test('numbers records from 1 and gives them back', () => {
  const ring = createLogRing(64 * 1024, 'boot');
  expect([ring.first, ring.next, ring.bytes]).toEqual([1, 1, 0]);
  ring.append(record('a'));
  ring.append(record('b'));
  expect([ring.first, ring.next]).toEqual([1, 3]);
  const { sequence, time, level, target, line } = ring.at(2) ?? {};
  expect({ sequence, time, level, target, line }).toEqual({ sequence: 2, ...record('b') });
  expect(ring.at(0)).toBeUndefined();
  expect(ring.at(3)).toBeUndefined();
});

test('keeps the newest within its bytes, however many pass through', () => {
  const limit = 64 * 1024;
  const ring = createLogRing(limit, 'boot');
  for (let i = 1; i <= 10_000; i++) {
    ring.append(record(`${i}:${'ü'.repeat(100)}`));
    expect(ring.bytes).toBeLessThanOrEqual(limit);
  }
  expect(ring.next).toBe(10_001);
  // 200 bytes of ü, the number, and the fixed cost: 276 of them, less a block that is being filled.
  expect(ring.next - ring.first).toBeGreaterThan(230);
  expect(ring.next - ring.first).toBeLessThan(277);
  for (let sequence = ring.first; sequence < ring.next; sequence++) {
    expect(ring.at(sequence)?.line.split(':')[0]).toBe(String(sequence));
  }
  expect(ring.at(ring.first - 1)).toBeUndefined();
});

test('keeps the newest record even when it alone is larger', () => {
  const ring = createLogRing(100, 'boot');
  ring.append(record('a'));
  ring.append(record('b'.repeat(1000)));
  expect([ring.first, ring.next]).toEqual([2, 3]);
  expect(ring.at(2)?.line).toHaveLength(1000);
});

test('gives back lines of every length, in the bytes of blocks that were used before', () => {
  const limit = 64 * 1024;
  const ring = createLogRing(limit, 'boot');
  const lineOf = (sequence: number) => `${sequence}:${'ü😀x'.repeat((sequence * 7919) % 2500)}`;
  for (let written = 1; written <= 2000; written++) {
    ring.append({ ...record(lineOf(written)), time: written, target: `t${written}` });
    expect(ring.bytes).toBeLessThanOrEqual(limit);
    if (written % 50 !== 0) continue;
    const sequences = Array.from({ length: ring.next - ring.first }, (_, i) => ring.first + i);
    const kept = sequences.map((sequence) => ring.at(sequence));
    expect(kept.map((one) => [one?.line, one?.time, one?.target])).toEqual(
      sequences.map((sequence) => [lineOf(sequence), sequence, `t${sequence}`]),
    );
  }
});

test('wakes those who wait once, and not those who gave up', async () => {
  const ring = createLogRing(64 * 1024, 'boot');
  let gaveUp = 0;
  ring.onAppend(() => gaveUp++)();
  let woken = 0;
  const waiting = new Promise<void>((resolve) => {
    ring.onAppend(() => {
      woken++;
      resolve();
    });
  });
  ring.append(record('a'));
  ring.append(record('b'));
  await waiting;
  ring.append(record('c'));
  await new Promise((resolve) => ring.onAppend(() => resolve(undefined)) && ring.append(record('d')));
  expect([woken, gaveUp]).toEqual([1, 0]);
});
