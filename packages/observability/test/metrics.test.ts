import { counter, gauge, histogram, metricsContributor, observedGauge, openLabel, systemClock } from '@reactor/core';
import { recordingLogger } from '@reactor/testing';
import { Counter, Gauge, Histogram, Summary } from 'prom-client';
import { expect, test } from 'vitest';
import { createMetrics, type Metrics, nodeMetrics, serverInfo } from '../src/index.js';
import { familiesByLine } from './exposition.js';

const things = { help: 'Things', moves: 'once per thing', unit: 'none' } as const;

function setUp() {
  const { logger, lines } = recordingLogger();
  return { metrics: createMetrics({ clock: systemClock, logger }), lines };
}

async function scrape(metrics: Metrics, headers: Record<string, string> = {}) {
  const response = await metrics.routes.request('/metrics', { headers });
  expect(response.status).toBe(200);
  return familiesByLine(await response.text());
}

test('families of every owner and metrics of prom-client come in one scrape', async () => {
  const { metrics } = setUp();
  const runs = counter({ ...things, name: 'reactor_t_runs_total', labels: { result: ['ok', 'error'] } });
  const latency = histogram({ ...things, name: 'reactor_t_wait_seconds', unit: 'seconds', buckets: [0.1, 1] });
  metrics.contribute('jobs', metricsContributor([runs, latency]));
  const registers = [metrics.registry];
  new Counter({ name: 'orders_total', help: 'Orders', labelNames: ['shop'], registers }).inc({ shop: 'north' }, 3);
  new Histogram({ name: 'order_seconds', help: 'Time', buckets: [1], labelNames: ['a'], registers }).observe(
    { a: 'x' },
    2,
  );
  new Summary({ name: 'order_size', help: 'Size', percentiles: [0.5], registers }).observe(4);
  runs.child({ result: 'ok' }).inc();
  latency.child({}).observe(0.5);

  const families = await scrape(metrics);
  expect(families.get('reactor_t_runs_total')?.samples).toEqual(
    new Map([
      ['reactor_t_runs_total{result="ok"}', 1],
      ['reactor_t_runs_total{result="error"}', 0],
    ]),
  );
  expect(families.get('reactor_t_wait_seconds')?.samples.get('reactor_t_wait_seconds_bucket{le="1"}')).toBe(1);
  expect(families.get('orders_total')?.samples.get('orders_total{shop="north"}')).toBe(3);
  expect(families.get('order_seconds')?.samples.get('order_seconds_bucket{le="+Inf",a="x"}')).toBe(1);
  expect(families.get('order_size')?.samples.get('order_size_sum')).toBe(4);
});

test('the content type is the text format and no cache may keep it', async () => {
  const { metrics } = setUp();
  const response = await metrics.routes.request('/metrics');
  expect(response.headers.get('Content-Type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(response.headers.get('Cache-Control')).toBe('no-store');
});

test('escapes and special values survive a strict parser', async () => {
  const { metrics } = setUp();
  const level = gauge({ ...things, help: 'A \\ and a\nline', name: 'reactor_t_level', labels: { at: openLabel(9) } });
  const nasty = 'a"b\\c\nd é {},=';
  level.child({ at: nasty }).set(1);
  level.child({ at: 'nan' }).set(Number.NaN);
  level.child({ at: 'up' }).set(Number.POSITIVE_INFINITY);
  level.child({ at: 'down' }).set(Number.NEGATIVE_INFINITY);
  level.child({ at: 'big' }).set(1e21);
  level.child({ at: 'small' }).set(-5e-7);
  metrics.contribute('t', metricsContributor([level]));

  const text = await (await metrics.routes.request('/metrics')).text();
  const family = familiesByLine(text).get('reactor_t_level');
  expect(family?.help).toBe('A \\ and a\nline; moves once per thing.');
  expect([...(family?.samples ?? [])]).toEqual([
    ['reactor_t_level{at="a\\"b\\\\c\\nd é {},="}', 1],
    ['reactor_t_level{at="nan"}', Number.NaN],
    ['reactor_t_level{at="up"}', Number.POSITIVE_INFINITY],
    ['reactor_t_level{at="down"}', Number.NEGATIVE_INFINITY],
    ['reactor_t_level{at="big"}', 1e21],
    ['reactor_t_level{at="small"}', -5e-7],
  ]);
});

test('a taken name names both owners and leaves the registry as it was', async () => {
  const { metrics } = setUp();
  const family = () => counter({ ...things, name: 'reactor_t_runs_total' });
  metrics.contribute('jobs', metricsContributor([family()]));
  const other = gauge({ ...things, name: 'reactor_t_fresh' });
  expect(() => metrics.contribute('functions', metricsContributor([other, family()]))).toThrow(
    'metric family reactor_t_runs_total of functions is already registered by jobs',
  );
  expect(metrics.registry.getSingleMetric('reactor_t_fresh')).toBeUndefined();

  new Gauge({ name: 'mine', help: 'Mine', registers: [metrics.registry] });
  const clash = gauge({ ...things, name: 'mine' });
  expect(() => metrics.contribute('sites', metricsContributor([clash]))).toThrow(/of sites .* by the application/);
});

test('contributing the same families again changes nothing', async () => {
  const { metrics } = setUp();
  const shared = metricsContributor([counter({ ...things, name: 'reactor_t_runs_total' })]);
  metrics.contribute('a', shared);
  metrics.contribute('b', shared);
  expect((await scrape(metrics)).has('reactor_t_runs_total')).toBe(true);
});

test('a collector that throws, rejects, hangs or answers nonsense costs its own family only', async () => {
  const { metrics, lines } = setUp();
  const observed = (name: string, collect: (signal: AbortSignal) => number | Promise<number>) =>
    observedGauge({ ...things, name, collect });
  let aborted = false;
  metrics.contribute(
    'bad',
    metricsContributor([
      observed('reactor_t_throws', () => {
        throw new Error('no');
      }),
      observed('reactor_t_rejects', async () => {
        throw new Error('no');
      }),
      observed('reactor_t_hangs', (signal) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise(() => {});
      }),
      observed('reactor_t_nonsense', async () => 'seven' as unknown as number),
      observed('reactor_t_good', async () => 7),
    ]),
  );
  const registers = [metrics.registry];
  new Gauge({ name: 'app_throws', help: 'x', registers, collect: () => Promise.reject(new Error('no')) });
  new Gauge({ name: 'app_hangs', help: 'x', registers, collect: () => new Promise(() => {}) });

  const families = await scrape(metrics, { 'X-Prometheus-Scrape-Timeout-Seconds': '0.2' });
  expect(families.get('reactor_t_good')?.samples.get('reactor_t_good')).toBe(7);
  const success = Object.fromEntries(families.get('reactor_scrape_collector_success')?.samples ?? []);
  const series = (name: string) => `reactor_scrape_collector_success{collector="${name}"}`;
  expect(success).toEqual({
    [series('reactor_t_throws')]: 0,
    [series('reactor_t_rejects')]: 0,
    [series('reactor_t_hangs')]: 0,
    [series('reactor_t_nonsense')]: 0,
    [series('reactor_t_good')]: 1,
    [series('app_throws')]: 0,
    [series('app_hangs')]: 0,
  });
  for (const name of ['throws', 'rejects', 'hangs', 'nonsense']) expect(families.has(`reactor_t_${name}`)).toBe(false);
  expect(aborted).toBe(true);
  const durations = families.get('reactor_scrape_collector_duration_seconds')?.samples;
  expect(durations?.get('reactor_scrape_collector_duration_seconds{collector="reactor_t_hangs"}')).toBeGreaterThan(
    0.09,
  );
  expect(lines.map(({ message }) => message)).toEqual(new Array(6).fill('metric collector failed'));
});

test('a label over its limit shows in a counter of its own, closed families do not', async () => {
  const { metrics } = setUp();
  const open = counter({ ...things, name: 'reactor_t_open_total', labels: { tenant: openLabel(1) } });
  const closed = counter({ ...things, name: 'reactor_t_closed_total', labels: { side: ['left'] } });
  metrics.contribute('t', metricsContributor([open, closed]));
  const dropped = async () => (await scrape(metrics)).get('reactor_metrics_series_dropped_total')?.samples;
  const series = 'reactor_metrics_series_dropped_total{family="reactor_t_open_total"}';
  open.child({ tenant: 'a' }).inc();
  expect(await dropped()).toEqual(new Map([[series, 0]]));
  open.child({ tenant: 'b' }).inc();
  expect(await dropped()).toEqual(new Map([[series, 1]]));
});

test('collectors run side by side, and concurrent scrapes each see their own outcomes', async () => {
  const { metrics } = setUp();
  const waiting: (() => void)[] = [];
  const meet = (name: string) =>
    observedGauge({
      ...things,
      name,
      collect: () =>
        new Promise<number>((resolve) => {
          waiting.push(() => resolve(1));
          if (waiting.length === 4) for (const go of waiting) go();
        }),
    });
  metrics.contribute('t', metricsContributor([meet('reactor_t_one'), meet('reactor_t_two')]));
  const scrapes = await Promise.all([scrape(metrics), scrape(metrics)]);
  for (const families of scrapes) {
    expect([...(families.get('reactor_scrape_collector_success')?.samples.values() ?? [])]).toEqual([1, 1]);
  }
});

test('the families of process and server say what runs since when', async () => {
  const { metrics } = setUp();
  metrics.contribute('node', nodeMetrics());
  metrics.contribute('server', serverInfo('1.2.3', systemClock));
  const text = await (await metrics.routes.request('/metrics')).text();
  const families = familiesByLine(text);
  expect(families.get('reactor_server_info')?.samples.get('reactor_server_info{version="1.2.3"}')).toBe(1);
  const startTime = families
    .get('reactor_process_start_time_seconds')
    ?.samples.get('reactor_process_start_time_seconds');
  expect(startTime).toBeCloseTo(Date.now() / 1000 - process.uptime(), 0);
  expect(families.get('process_resident_memory_bytes')?.samples.size).toBe(1);
  expect(families.get('nodejs_active_handles')?.type).toBe('gauge');
  expect(families.has('nodejs_active_handles_total')).toBe(false);
});
