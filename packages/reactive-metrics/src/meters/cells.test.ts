import { describe, expect, it } from 'vitest';
import { manualClock } from '../testing/clocks.js';
import { DecayingMax, MAX_STEP_NANOS } from './decaying-max.js';
import { simpleRegistry } from './simple-registry.js';

describe('DecayingMax', () => {
  it('shows a peak for two to three steps, then the next lower one, finally 0', () => {
    const max = new DecayingMax(0);
    max.record(9, MAX_STEP_NANOS - 1);
    max.record(5, MAX_STEP_NANOS + 1);
    max.record(3, 2 * MAX_STEP_NANOS + 1);
    const readings = [1, 2, 3, 4, 5, 6].map((step) => max.read(step * MAX_STEP_NANOS + 2));
    expect(readings).toEqual([9, 9, 5, 3, 0, 0]);
  });

  it('forgets everything after a long silence, and then goes on', () => {
    const max = new DecayingMax(0);
    max.record(9, 0);
    expect(max.read(1000 * MAX_STEP_NANOS)).toBe(0);
    max.record(1, 1000 * MAX_STEP_NANOS + 1);
    expect(max.read(1000 * MAX_STEP_NANOS + 2)).toBe(1);
  });
});

describe('simpleRegistry', () => {
  it('keeps one meter per name and tags, and refuses a second type', () => {
    const registry = simpleRegistry();
    expect(registry.counter('c', { a: '1', b: '2' })).toBe(
      registry.counter('c', [
        ['b', '2'],
        ['a', '1'],
      ]),
    );
    expect(registry.counter('c')).not.toBe(registry.counter('c', { a: '1' }));
    expect(() => registry.timer('c')).toThrow('meter "c" is a counter and cannot also be a timer');
    expect(() => registry.summary('c', { a: '1', b: '2' })).toThrow(TypeError);
    expect(() => registry.longTaskTimer('c')).toThrow(TypeError);
    expect(() => registry.counter('', {}) && registry.timer('')).toThrow(TypeError);
    expect(registry.meters()).toHaveLength(4);
    expect(registry.find('missing')).toBeUndefined();
  });

  it('takes no amounts that make no sense', () => {
    const registry = simpleRegistry();
    const counter = registry.counter('c');
    for (const amount of [-1, 0, Number.NaN]) counter.increment(amount);
    expect(counter.count).toBe(0);
    const timer = registry.timer('t');
    for (const amount of [-1, Number.NaN]) timer.record(amount);
    timer.record(0);
    expect([timer.count, timer.total, timer.max]).toEqual([1, 0, 0]);
  });
});

describe('a long task timer', () => {
  it('keeps tasks that started at the same instant, and forgets finished ones', () => {
    const clock = manualClock();
    const timer = simpleRegistry(clock).longTaskTimer('job');
    const [first, second] = [timer.start(), timer.start()];
    clock.advance(10);
    const third = timer.start();
    clock.advance(5);
    expect([timer.activeTasks, timer.duration, timer.max]).toEqual([3, 35, 15]);
    expect(timer.ages()).toEqual([15, 15, 5]);
    expect(second.stop()).toBe(15);
    clock.advance(100);
    expect(second.stop()).toBe(15);
    expect(first.stop()).toBe(115);
    expect([timer.activeTasks, timer.max]).toEqual([1, 105]);
    third.stop();
    expect([timer.activeTasks, timer.duration, timer.max]).toEqual([0, 0, 0]);
  });

  it('starts and stops 200 000 tasks in any order', () => {
    const timer = simpleRegistry(manualClock()).longTaskTimer('job');
    const samples = Array.from({ length: 200_000 }, () => timer.start());
    expect(timer.activeTasks).toBe(200_000);
    for (const [index, sample] of samples.entries()) if (index % 2 === 0) sample.stop();
    for (const sample of samples.reverse()) sample.stop();
    expect([timer.activeTasks, timer.duration, timer.max]).toEqual([0, 0, 0]);
  });
});
