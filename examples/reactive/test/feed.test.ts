import { meterHandler, observationRegistry, simpleRegistry } from '@reactor/reactive-metrics';
import { clockFrom } from '@reactor/reactive-metrics/testing';
import { VirtualAction, VirtualTimeScheduler } from 'rxjs';
import { expect, it } from 'vitest';
import { temperatureFeed } from '../src/feed.js';

it('shows connections, consumers, retries and tasks', () => {
  const time = new VirtualTimeScheduler(VirtualAction, 1000);
  const registry = simpleRegistry(clockFrom(time));
  const observations = observationRegistry({ handlers: [meterHandler(registry)] });
  const feed = temperatureFeed({ registry, observations, period: 10, readingsPerConnection: 9, scheduler: time });
  const consumers = [feed.readings().subscribe(), feed.readings().subscribe(), feed.stored().subscribe()];
  time.flush();

  const count = (name: string, tags = {}) => {
    const meter = registry.find(name, tags);
    return meter?.kind === 'counter' || meter?.kind === 'timer' ? meter.cell.count : undefined;
  };
  // A thousand milliseconds are a hundred ticks: ten connections of nine readings and one refusal each.
  const lost = { status: 'error', exception: 'ConnectionLost' };
  expect(count('device.flow.duration', lost)).toBe(10);
  expect(count('device.subscribed')).toBe(11);
  expect(count('device.onNext.delay')).toBe(90);
  expect(count('readings.subscribed')).toBe(2);
  expect(count('readings.onNext.delay')).toBe(180);
  // One reading in nine is too hot, and tried twice.
  expect(count('store', { error: 'RangeError', sensor: 'north' })).toBe(20);
  expect(count('stored.onNext.delay')).toBe(80);
  const tasks = (type: string) => count('feed.scheduler.tasks.submitted', { 'submission.type': type });
  expect([tasks('direct'), tasks('delayed'), tasks('periodic_initial'), tasks('periodic_iteration')]).toEqual([
    0, 80, 11, 90,
  ]);
  expect(count('feed.scheduler.tasks.completed')).toBe(180);

  for (const consumer of consumers) consumer.unsubscribe();
  feed.stop();
  expect(count('readings.flow.duration', { status: 'cancelled' })).toBe(2);
  expect(time.actions.every((action) => action.closed)).toBe(true);
});
