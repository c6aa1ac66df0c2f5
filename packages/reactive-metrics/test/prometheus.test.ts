import { AggregatorRegistry, Counter, Gauge, type OpenMetricsContentType, Registry } from 'prom-client';
import { asyncScheduler, NEVER, of, queueScheduler, throwError } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { meterHandler, metrics, name, observation, observationRegistry, tag, timedScheduler } from '../src/index.js';
import { type PrometheusOptions, prometheusRegistry } from '../src/prometheus.js';
import { manualClock } from '../src/testing.js';
import { parseOpenMetrics, parseText } from './exposition.js';

function setUp(options: PrometheusOptions = {}) {
  const clock = manualClock();
  const target = new Registry();
  const registry = prometheusRegistry(target, { clock, ...options });
  const text = () => target.metrics();
  const openMetrics = async () => {
    asOpenMetrics(target);
    try {
      return await target.metrics();
    } finally {
      target.setContentType(Registry.PROMETHEUS_CONTENT_TYPE);
    }
  };
  const lines = async () => (await text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { clock, target, registry, text, openMetrics, lines };
}

/** Switches what prom-client's types fix for a registry's lifetime. */
function asOpenMetrics(target: Registry): void {
  const retyped = target as unknown as Registry<OpenMetricsContentType>;
  retyped.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
}

function spyOnWarnings() {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  onTestFinished(() => warn.mockRestore());
  return warn;
}

describe('prometheusRegistry', () => {
  it('R-31 shows a stream in seconds, under underscored names that keep their case', async () => {
    const { clock, registry, lines } = setUp();
    const subscription = NEVER.pipe(name('events'), tag('source', 'kafka'), metrics(registry)).subscribe();
    clock.advance(1.5e9);
    subscription.unsubscribe();
    expect(await lines()).toEqual([
      'events_onNext_delay_seconds_count{source="kafka",type="Flux"} 0',
      'events_onNext_delay_seconds_sum{source="kafka",type="Flux"} 0',
      'events_onNext_delay_seconds_max{source="kafka",type="Flux"} 0',
      'events_subscribed_total{source="kafka",type="Flux"} 1',
      'events_flow_duration_seconds_count{exception="",source="kafka",status="cancelled",type="Flux"} 1',
      'events_flow_duration_seconds_sum{exception="",source="kafka",status="cancelled",type="Flux"} 1.5',
      'events_flow_duration_seconds_max{exception="",source="kafka",status="cancelled",type="Flux"} 1.5',
    ]);
  });

  it('R-104 shows a timed scheduler from its construction on', async () => {
    const { registry, lines } = setUp();
    timedScheduler(queueScheduler, registry, 'testingMetrics', { additionalTag: 'yes' });
    const submitted = ['direct', 'delayed', 'periodic_initial', 'periodic_iteration'].map(
      (type) => `testingMetrics_scheduler_tasks_submitted_total{additionalTag="yes",submission_type="${type}"} 0`,
    );
    const longTask = (what: string) =>
      ['active_count', 'duration_sum', 'max'].map(
        (suffix) => `testingMetrics_scheduler_tasks_${what}_seconds_${suffix}{additionalTag="yes"} 0`,
      );
    const completed = ['count', 'sum', 'max'].map(
      (suffix) => `testingMetrics_scheduler_tasks_completed_seconds_${suffix}{additionalTag="yes"} 0`,
    );
    expect(await lines()).toEqual([...submitted, ...longTask('pending'), ...longTask('active'), ...completed]);
  });

  it('R-29 shows observations', async () => {
    const { registry, lines } = setUp();
    const observations = observationRegistry({ handlers: [meterHandler(registry)] });
    of(1).pipe(observation(observations)).subscribe();
    expect(await lines()).toEqual([
      'reactor_observation_active_seconds_active_count{reactor_type="Flux"} 0',
      'reactor_observation_active_seconds_duration_sum{reactor_type="Flux"} 0',
      'reactor_observation_active_seconds_max{reactor_type="Flux"} 0',
      'reactor_observation_seconds_count{error="none",reactor_status="completed",reactor_type="Flux"} 1',
      'reactor_observation_seconds_sum{error="none",reactor_status="completed",reactor_type="Flux"} 0',
      'reactor_observation_seconds_max{error="none",reactor_status="completed",reactor_type="Flux"} 0',
    ]);
  });

  it('types its families so that both formats are in order, and alternating changes neither', async () => {
    const { registry, text, openMetrics } = setUp();
    of(1).pipe(name('events'), metrics(registry)).subscribe();
    timedScheduler(queueScheduler, registry, 'p');
    const before = await text();
    const open = await openMetrics();
    expect(await text()).toBe(before);
    expect(await openMetrics()).toBe(open);
    expect([...parseText(before)].map(([family, { type }]) => [family, type])).toEqual([
      ['events_onNext_delay_seconds', 'summary'],
      ['events_onNext_delay_seconds_max', 'gauge'],
      ['events_subscribed_total', 'counter'],
      ['events_flow_duration_seconds', 'summary'],
      ['events_flow_duration_seconds_max', 'gauge'],
      ['p_scheduler_tasks_submitted_total', 'counter'],
      ['p_scheduler_tasks_pending_seconds_active_count', 'gauge'],
      ['p_scheduler_tasks_pending_seconds_duration_sum', 'gauge'],
      ['p_scheduler_tasks_pending_seconds_max', 'gauge'],
      ['p_scheduler_tasks_active_seconds_active_count', 'gauge'],
      ['p_scheduler_tasks_active_seconds_duration_sum', 'gauge'],
      ['p_scheduler_tasks_active_seconds_max', 'gauge'],
      ['p_scheduler_tasks_completed_seconds', 'summary'],
      ['p_scheduler_tasks_completed_seconds_max', 'gauge'],
    ]);
    expect(parseOpenMetrics(open).get('events_subscribed')?.samples).toEqual([
      { name: 'events_subscribed_total', labels: { type: 'Flux' }, value: 1 },
    ]);
  });

  it('keeps counter names when single metrics, merged registries or JSON are asked for', async () => {
    const { target, registry } = setUp();
    registry.counter('c').increment();
    const sample = 'c_total 1';
    expect((await target.getSingleMetricAsString('c_total')).split('\n')).toContain(sample);
    const merged = Registry.merge([target, new Registry()]);
    expect(parseText(await merged.metrics()).get('c_total')?.samples).toHaveLength(1);
    asOpenMetrics(merged);
    expect(parseOpenMetrics(await merged.metrics()).get('c')?.samples[0]?.name).toBe('c_total');
    expect(parseText(await target.metrics()).get('c_total')?.samples).toHaveLength(1);
    expect((await target.getMetricsAsJSON())[0]).toMatchObject({ name: 'c_total', type: 'counter' });
  });

  it('shows long task timers as gauges, or the way Micrometer 1.x does', async () => {
    const gauges = setUp();
    gauges.registry.longTaskTimer('job').start();
    gauges.clock.advance(2e9);
    gauges.registry.longTaskTimer('job').start();
    gauges.clock.advance(1e9);
    expect(await gauges.lines()).toEqual([
      'job_seconds_active_count 2',
      'job_seconds_duration_sum 4',
      'job_seconds_max 3',
    ]);
    const micrometer = setUp({ longTaskTimers: 'micrometer1x' });
    micrometer.registry.longTaskTimer('job').start();
    micrometer.clock.advance(2e9);
    expect(await micrometer.lines()).toEqual(['job_seconds_count 1', 'job_seconds_sum 2', 'job_seconds_max 2']);
    expect(parseText(await micrometer.text()).get('job_seconds')?.type).toBe('summary');
    const bucketed = setUp({ longTaskTimers: 'micrometer1x', buckets: () => [1, 5] });
    bucketed.registry.longTaskTimer('job').start();
    bucketed.clock.advance(2e9);
    expect(parseOpenMetrics(await bucketed.openMetrics()).get('job_seconds')).toMatchObject({
      type: 'gaugehistogram',
      samples: [
        { labels: { le: '1' }, value: 0 },
        { labels: { le: '5' }, value: 1 },
        { labels: { le: '+Inf' }, value: 1 },
        { name: 'job_seconds_gcount', value: 1 },
        { name: 'job_seconds_gsum', value: 2 },
      ],
    });
    expect(parseText(await bucketed.text()).get('job_seconds')?.type).toBe('histogram');
  });

  it('makes histograms of the meters it is given buckets for', async () => {
    const { registry, lines, text } = setUp({ buckets: (meter) => (meter === 't' ? [0.1, 1] : undefined) });
    registry.timer('t').record(0.05e9);
    registry.timer('t').record(0.1e9);
    registry.timer('t').record(5e9);
    registry.timer('t').record(-1);
    registry.timer('u').record(5e9);
    expect((await lines()).slice(0, 5)).toEqual([
      't_seconds_bucket{le="0.1"} 2',
      't_seconds_bucket{le="1"} 2',
      't_seconds_bucket{le="+Inf"} 3',
      't_seconds_count 3',
      't_seconds_sum 5.15',
    ]);
    expect(parseText(await text()).get('u_seconds')?.type).toBe('summary');
    for (const bounds of [[1, 1], [2, 1], [Number.NaN]]) {
      const { registry: refusing } = setUp({ buckets: () => bounds });
      expect(() => refusing.timer('t')).toThrow(/must be finite numbers in ascending order/);
    }
  });

  it('lets the maximum fade after two to three minutes', async () => {
    const { clock, registry, text } = setUp();
    const max = async () => parseText(await text()).get('t_seconds_max')?.samples[0]?.value;
    registry.timer('t').record(9e9);
    clock.advance(61e9);
    registry.timer('t').record(4e9);
    clock.advance(60e9);
    expect(await max()).toBe(9);
    clock.advance(60e9);
    expect(await max()).toBe(4);
    clock.advance(60e9);
    expect(await max()).toBe(0);
  });

  it('appends units and totals only where they are missing', async () => {
    const { registry, text } = setUp();
    registry.counter('a.total');
    registry.timer('b.seconds');
    registry.summary('c', {}, { baseUnit: 'bytes' });
    registry.summary('d.bytes', {}, { baseUnit: 'bytes' });
    registry.summary('9 lives-é');
    registry.counter('ns:x');
    expect([...parseText(await text()).keys()].filter((family) => !family.endsWith('_max'))).toEqual([
      'a_total',
      'b_seconds',
      'c_bytes',
      'd_bytes',
      '__lives__',
      'ns:x_total',
    ]);
  });
});

describe('label sets', () => {
  it('R-12 are joined, with one warning that recommends a name', async () => {
    const warn = spyOnWarnings();
    const { registry, lines } = setUp();
    of(1).pipe(metrics(registry)).subscribe();
    of(1).pipe(tag('source', 'kafka'), metrics(registry)).subscribe();
    expect((await lines()).filter((line) => line.startsWith('reactor_subscribed'))).toEqual([
      'reactor_subscribed_total{source="",type="Flux"} 1',
      'reactor_subscribed_total{source="kafka",type="Flux"} 1',
    ]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toMatch(/different tag keys: first \[type\], now \[source, type\].*a name/);
  });

  it('R-12 of later meters are dropped with a warning when asked to', async () => {
    const warn = spyOnWarnings();
    const { registry, lines } = setUp({ labelMismatch: 'warn-drop' });
    registry.counter('c', { a: '1' }).increment();
    registry.counter('c', { b: '1' }).increment();
    registry.counter('c', { a: '2' }).increment();
    expect(await lines()).toEqual(['c_total{a="1"} 1', 'c_total{a="2"} 1']);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('R-12 of later meters are refused when asked to, and a stream goes on without them', () => {
    const { registry } = setUp({ labelMismatch: 'throw' });
    registry.counter('c', { a: '1' });
    expect(() => registry.counter('c', { b: '1' })).toThrow(/"c" have different tag keys: first \[a\], now \[b\]/);
    const failures: unknown[] = [];
    of(1).pipe(metrics(registry)).subscribe();
    of(1)
      .pipe(metrics(registry, { tags: { k: 'v' }, onInstrumentationError: (failure) => failures.push(failure) }))
      .subscribe();
    expect(failures).toHaveLength(3);
  });

  it('that differ only by empty values are one series, whose numbers are added', async () => {
    spyOnWarnings();
    const { registry, lines } = setUp();
    registry.counter('c', { a: '1' }).increment(1);
    registry.counter('c', { a: '1', b: '' }).increment(2);
    expect(await lines()).toEqual(['c_total{a="1",b=""} 3']);
  });

  it('are refused where two keys become one label, or a label that Prometheus keeps', async () => {
    const { registry, text } = setUp();
    expect(() => registry.counter('c', { 'a.b': '1', a_b: '2' })).toThrow(
      /"a\.b" and "a_b" both become the label "a_b"/,
    );
    registry.counter('d', { 'a.b': '1' });
    expect(() => registry.counter('d', { a_b: '2' })).toThrow(/"a\.b" and "a_b" both become the label "a_b"/);
    for (const key of ['le', 'quantile', '__name__', '__proto__']) {
      expect(() => registry.counter('e', [[key, 'x']])).toThrow(`tag key "${key}" becomes the label "${key}"`);
    }
    // Nothing is left of the refused meters.
    expect([...parseText(await text()).keys()]).toEqual(['d_total']);
  });
});

describe('names', () => {
  it('are refused where two become one, or one meter has two types', () => {
    const { registry } = setUp();
    registry.counter('a.b');
    expect(() => registry.counter('a_b')).toThrow(
      /"a_b" needs the Prometheus name "a_b_total", which the counter "a.b" has/,
    );
    expect(() => registry.timer('a.b')).toThrow(
      'meter "a.b" is a counter and cannot also be a timer; rename one of them',
    );
    registry.longTaskTimer('x.active');
    expect(() => registry.timer('x.active')).toThrow('is a longTaskTimer and cannot also be a timer');
    registry.timer('t');
    expect(() => registry.summary('t.seconds')).toThrow(/which the timer "t" has/);
    registry.longTaskTimer('job');
    expect(() => registry.summary('job.seconds.active')).toThrow(
      /"job_seconds_active_count", which the longTaskTimer "job" has/,
    );
    expect(() => registry.counter('')).toThrow('the name of a meter must be a non-empty string');
    expect(() => prometheusRegistry({} as never)).toThrow('prometheusRegistry needs a prom-client Registry');
  });

  it('are refused where a foreign metric has them, and leave nothing behind', async () => {
    const { target, registry, text } = setUp();
    new Gauge({ name: 't_seconds_max', help: 'h', registers: [target] });
    new Counter({ name: 'c_total', help: 'h', registers: [target] });
    expect(() => registry.timer('t')).toThrow(/"t_seconds_max", which a metric registered elsewhere has/);
    expect(() => registry.counter('c')).toThrow(TypeError);
    expect([...parseText(await text()).keys()]).toEqual(['t_seconds_max', 'c_total']);
  });

  it('are checked in the same time however many there are', () => {
    const { target, registry } = setUp();
    const lookups = vi.spyOn(target, 'getSingleMetric');
    onTestFinished(() => lookups.mockRestore());
    registry.timer('first');
    const forOne = lookups.mock.calls.length;
    for (let i = 0; i < 500; i += 1) registry.timer(`t${i}`);
    lookups.mockClear();
    registry.timer('last');
    expect(lookups.mock.calls.length).toBe(forOne);
  });

  it('are refused whichever of the two came first', () => {
    for (const [first, second] of [
      ['counter', 'gauge'],
      ['gauge', 'counter'],
    ] as const) {
      const { target, registry } = setUp();
      const make = {
        counter: () => registry.counter('x'),
        // OpenMetrics knows the counter as `x`.
        gauge: () => registry.summary('x'),
      };
      make[first]();
      expect(make[second]).toThrow(TypeError);
      expect(target.getMetricsAsArray().length).toBe(first === 'counter' ? 1 : 2);
    }
    const { registry } = setUp();
    registry.summary('job.seconds.active');
    expect(() => registry.longTaskTimer('job')).toThrow(/"job_seconds_active_count", which the summary/);
  });

  it('of streams that collide are reported, and the streams go on', async () => {
    const { registry, lines } = setUp();
    const failures: unknown[] = [];
    const options = { onInstrumentationError: (failure: unknown) => failures.push(failure) };
    const observations = observationRegistry({ handlers: [meterHandler(registry)] });
    const values: number[] = [];
    of(1)
      .pipe(name('x'), observation(observations, undefined, options))
      .subscribe((value) => values.push(value));
    of(2)
      .pipe(name('x.active'), observation(observations, undefined, options))
      .subscribe((value) => values.push(value));
    expect(values).toEqual([1, 2]);
    expect(failures).toHaveLength(1);
    expect(String(failures[0])).toContain('meter "x.active" is a longTaskTimer');
    expect((await lines()).some((line) => line.startsWith('x_active_active_seconds'))).toBe(true);
  });

  it('values, keys and errors of any shape give expositions that are in order', async () => {
    spyOnWarnings();
    const { registry, text, openMetrics } = setUp();
    const hostile = [
      '"}\n# TYPE x counter\nx 1',
      '\\',
      '\\n',
      '\ud800',
      '\udc00',
      '\u0000',
      '\r',
      '$&',
      '__proto__',
      'é😀',
      ' ',
      'constructor',
    ];
    for (const value of hostile) {
      of(1)
        .pipe(name(`n${value}`), tag('k', value), metrics(registry, { onInstrumentationError: () => {} }))
        .subscribe();
      of(1)
        .pipe(name('keys'), tag(`k${value}`, 'v'), metrics(registry, { onInstrumentationError: () => {} }))
        .subscribe();
      const error = Object.assign(new Error('x'), { name: value });
      throwError(() => error)
        .pipe(name('errors'), metrics(registry))
        .subscribe({ error: () => {} });
    }
    const parsed = parseText(await text());
    const exceptions = parsed.get('errors_flow_duration_seconds')?.samples.map((sample) => sample.labels.exception);
    expect(exceptions).toContain('"}\n# TYPE x counter\nx 1');
    expect(parsed.has('x')).toBe(false);
    parseOpenMetrics(await openMetrics());
    // Both lone surrogates are one series, as they have one form on the wire.
    const surrogates = parsed
      .get('errors_flow_duration_seconds')
      ?.samples.filter((s) => s.labels.exception === '\ufffd');
    expect(surrogates?.map((sample) => sample.value)).toEqual([2, 0]);
  });
});

describe('on one prom-client registry', () => {
  it('several adapters share their meters', async () => {
    const { target, registry, lines } = setUp();
    const other = prometheusRegistry(target);
    registry.counter('c').increment();
    other.counter('c').increment();
    other.timer('t').record(1);
    expect(registry.timer('t')).toBe(other.timer('t'));
    expect((await lines())[0]).toBe('c_total 2');
    expect(() => other.timer('c')).toThrow('meter "c" is a counter');
  });

  it('resetMetrics zeroes what was counted and keeps what runs', async () => {
    const { target, clock, registry, lines } = setUp({ buckets: (meter) => (meter === 'h' ? [1] : undefined) });
    registry.counter('c').increment();
    registry.timer('h').record(1);
    registry.timer('t').record(5e9);
    registry.longTaskTimer('job').start();
    clock.advance(1e9);
    target.resetMetrics();
    expect(await lines()).toEqual([
      'c_total 0',
      'h_seconds_bucket{le="1"} 0',
      'h_seconds_bucket{le="+Inf"} 0',
      'h_seconds_count 0',
      'h_seconds_sum 0',
      'h_seconds_max 0',
      't_seconds_count 0',
      't_seconds_sum 0',
      't_seconds_max 0',
      'job_seconds_active_count 1',
      'job_seconds_duration_sum 1',
      'job_seconds_max 1',
    ]);
    registry.timer('t').record(1e9);
    expect((await lines())[6]).toBe('t_seconds_count 1');
  });

  it('clear forgets the meters, and the next subscription brings them back', async () => {
    const { target, registry, lines } = setUp();
    const stream = of(1).pipe(name('events'), metrics(registry));
    stream.subscribe();
    target.clear();
    expect(await lines()).toEqual([]);
    stream.subscribe();
    expect((await lines()).find((line) => line.startsWith('events_subscribed_total'))).toContain('} 1');
    const other = prometheusRegistry(target);
    target.clear();
    other.counter('c').increment(7);
    registry.counter('c').increment();
    expect(await lines()).toEqual(['c_total 8']);
  });

  it('scrapes may overlap each other and the stream', async () => {
    const { registry, text, openMetrics } = setUp();
    of(1, 2, 3).pipe(metrics(registry)).subscribe();
    const [first, second] = await Promise.all([text(), text()]);
    expect(first).toBe(second);
    const during: Promise<string>[] = [];
    of(1, 2, 3)
      .pipe(metrics(registry))
      .subscribe(() => during.push(text()));
    for (const exposition of await Promise.all(during)) parseText(exposition);
    parseOpenMetrics(await openMetrics());
  });

  it('values of several processes are joined, also where their labels differ', async () => {
    spyOnWarnings();
    const workers = [setUp(), setUp()];
    for (const [index, { registry, clock }] of workers.entries()) {
      of(1).pipe(metrics(registry)).subscribe();
      if (index === 1) of(1).pipe(tag('source', 'kafka'), metrics(registry)).subscribe();
      registry.timer('t').record((index + 1) * 1e9);
      const waiting = timedScheduler(asyncScheduler, registry, 'p').schedule(() => {}, 1e6);
      onTestFinished(() => waiting.unsubscribe());
      clock.advance(1e9 * (index + 1));
    }
    const sent = await Promise.all(workers.map(({ target }) => target.getMetricsAsJSON()));
    const joined = AggregatorRegistry.aggregate(JSON.parse(JSON.stringify(sent)));
    const families = parseText(await joined.metrics());
    const values = (family: string) => families.get(family)?.samples.map(({ labels, value }) => [labels, value]);
    expect(values('reactor_subscribed_total')).toEqual([
      [{ type: 'Flux' }, 2],
      [{ type: 'Flux', source: 'kafka' }, 1],
    ]);
    expect(values('reactor_flow_duration_seconds')?.slice(0, 2)).toEqual([
      [{ exception: '', status: 'completed', type: 'Flux' }, 2],
      [{ exception: '', status: 'completed', type: 'Flux' }, 0],
    ]);
    expect(values('t_seconds')).toEqual([
      [{}, 2],
      [{}, 3],
    ]);
    expect(values('t_seconds_max')).toEqual([[{}, 2]]);
    expect(values('p_scheduler_tasks_pending_seconds_active_count')).toEqual([[{}, 2]]);
    expect(values('p_scheduler_tasks_pending_seconds_duration_sum')).toEqual([[{}, 3]]);
    expect(values('p_scheduler_tasks_pending_seconds_max')).toEqual([[{}, 2]]);
  });
});
