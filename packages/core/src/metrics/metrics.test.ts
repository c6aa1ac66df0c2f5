import { Counter as PromCounter, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { metricsContributor } from './contributor.js';
import { counter } from './counter.js';
import type { MetricFamily } from './family.js';
import { gauge, observedGauge } from './gauge.js';
import { histogram } from './histogram.js';
import { openLabel } from './labels.js';

async function samplesOf(family: MetricFamily, signal?: AbortSignal) {
  return (await family.get(signal)).values.map(({ labels, value }) => ({ labels, value }));
}

const declaration = { help: 'Things', moves: 'once per thing', unit: 'none' } as const;

test('series of closed labels exist at zero from the start', async () => {
  const things = counter({ ...declaration, name: 't_things_total', labels: { result: ['ok', 'error'] } });
  things.child({ result: 'ok' }).inc(2);
  expect(await samplesOf(things)).toEqual([
    { labels: { result: 'ok' }, value: 2 },
    { labels: { result: 'error' }, value: 0 },
  ]);
  expect(things.help).toBe('Things; moves once per thing.');
});

test('an open label stops at its limit, and what comes later shares _other', async () => {
  const things = counter({ ...declaration, name: 't_things_total', labels: { route: openLabel(2) } });
  for (const route of ['/a', '/b', '/c', '/d', '/a']) things.child({ route }).inc();
  expect(await samplesOf(things)).toEqual([
    { labels: { route: '/a' }, value: 2 },
    { labels: { route: '/b' }, value: 1 },
    { labels: { route: '_other' }, value: 2 },
  ]);
});

test('what an open label turns away is counted, and no value can pass for two', async () => {
  const closed = counter({ ...declaration, name: 't_closed_total', labels: { side: ['left'] } });
  expect(closed.overflows).toBeUndefined();
  const open = counter({ ...declaration, name: 't_open_total', labels: { a: openLabel(2), b: openLabel(9) } });
  open.child({ a: 'x\u0000y', b: 'z' }).inc();
  open.child({ a: 'x', b: 'y\u0000z' }).inc(2);
  expect(open.overflows).toBe(0);
  open.child({ a: 'third', b: 'z' }).inc();
  open.child({ a: 'third', b: 'z' }).inc();
  expect(open.overflows).toBe(2);
  expect(await samplesOf(open)).toEqual([
    { labels: { a: 'x\u0000y', b: 'z' }, value: 1 },
    { labels: { a: 'x', b: 'y\u0000z' }, value: 2 },
    { labels: { a: '_other', b: 'z' }, value: 2 },
  ]);
});

test('a value outside a closed set is counted under _other, not lost', async () => {
  const things = counter({ ...declaration, name: 't_things_total', labels: { result: ['ok'] } });
  things.child({ result: 'surprise' as 'ok' }).inc();
  expect(await samplesOf(things)).toContainEqual({ labels: { result: '_other' }, value: 1 });
});

test('a histogram is cumulative and its bounds are inclusive', async () => {
  const sizes = histogram({ ...declaration, name: 't_size_bytes', unit: 'bytes', buckets: [1, 10] });
  for (const value of [1, 1.5, 10, 11]) sizes.child({}).observe(value);
  const samples = (await sizes.get()).values.map(({ metricName, labels, value }) => [metricName, labels.le, value]);
  expect(samples).toEqual([
    ['t_size_bytes_bucket', '1', 1],
    ['t_size_bytes_bucket', '10', 3],
    ['t_size_bytes_bucket', '+Inf', 4],
    ['t_size_bytes_sum', undefined, 23.5],
    ['t_size_bytes_count', undefined, 4],
  ]);
});

test('an observed gauge reads when asked, with the signal of the one who asks', async () => {
  const controller = new AbortController();
  const depth = observedGauge({
    ...declaration,
    name: 't_depth',
    labels: { queue: ['a', 'b'] },
    collect: (signal) => [
      { labels: { queue: 'a' }, value: signal === controller.signal ? 1 : 0 },
      { labels: { queue: 'b' }, value: 7 },
    ],
  });
  expect(await samplesOf(depth, controller.signal)).toEqual([
    { labels: { queue: 'a' }, value: 1 },
    { labels: { queue: 'b' }, value: 7 },
  ]);
});

test('reset brings the closed series back to zero', async () => {
  const level = gauge({ ...declaration, name: 't_level', labels: { side: ['left'] } });
  level.child({ side: 'left' }).set(5);
  level.reset();
  expect(await samplesOf(level)).toEqual([{ labels: { side: 'left' }, value: 0 }]);
});

test.each([
  [{ name: 't_things' }, /exactly the counters end in _total/],
  [{ name: 't_things_total', unit: 'seconds' as const }, /must say its unit/],
  [{ name: 'T-things_total' }, /must match/],
  [{ name: 't_things_total', labels: { le: ['1'] } }, /label "le"/],
])('a bad declaration fails where it stands: %o', (bad, message) => {
  expect(() => counter({ ...declaration, ...bad })).toThrow(message);
});

test('a counter refuses to shrink', () => {
  const things = counter({ ...declaration, name: 't_things_total' });
  expect(() => things.child({}).inc(-1)).toThrow(RangeError);
  expect(() => things.child({}).inc(Number.NaN)).toThrow(RangeError);
});

test("prom-client's registry takes the families, beside its own metrics, and renders them", async () => {
  const things = counter({ ...declaration, name: 't_things_total', labels: { result: ['ok'] } });
  const registry = new Registry();
  new PromCounter({ name: 'mine_total', help: 'mine', registers: [registry] }).inc();
  metricsContributor([things]).register(registry);
  things.child({ result: 'ok' }).inc();
  expect((await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([
    'mine_total 1',
    't_things_total{result="ok"} 1',
  ]);
});

test('several registries are fine, a taken name is not, and then nothing is added', () => {
  const contributor = metricsContributor([
    gauge({ ...declaration, name: 't_free' }),
    gauge({ ...declaration, name: 't_taken' }),
  ]);
  const registries = [new Registry(), new Registry()];
  for (const registry of registries) contributor.register(registry);
  const other = new Registry();
  metricsContributor([gauge({ ...declaration, name: 't_taken' })]).register(other);
  expect(() => contributor.register(other)).toThrow(/t_taken/);
  expect(other.getSingleMetric('t_free')).toBeUndefined();
});
