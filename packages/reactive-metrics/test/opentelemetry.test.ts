import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { asyncScheduler, defer, lastValueFrom, NEVER, of, queueScheduler, scheduled, throwError } from 'rxjs';
import { catchError, concatMap } from 'rxjs/operators';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createObservation,
  metrics,
  name,
  observation,
  observationRegistry,
  tag,
  timedScheduler,
} from '../src/index.js';
import { otelRegistry, tracingHandler } from '../src/opentelemetry.js';
import { manualClock } from '../src/testing.js';

function tracing() {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  onTestFinished(() => context.disable());
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  onTestFinished(() => provider.shutdown());
  const tracer = provider.getTracer('test');
  const registry = observationRegistry({ handlers: [tracingHandler(tracer)] });
  return { tracer, registry, spans: () => exporter.getFinishedSpans() };
}

describe('tracingHandler', () => {
  it.each([
    ['synchronous', queueScheduler],
    ['asynchronous', asyncScheduler],
  ])('R-100 makes a span of an outer stream and of each inner one, on a %s source', async (_mode, scheduler) => {
    const { registry, spans } = tracing();
    const failure = new RangeError('third');
    const seenBelow: unknown[] = [];
    const work = (value: number) =>
      defer(() => (value === 3 ? throwError(() => failure) : of(value))).pipe(
        name('inner'),
        tag('item', String(value)),
        observation(registry),
      );
    await lastValueFrom(
      scheduled([1, 2, 3], scheduler).pipe(
        concatMap(work),
        name('outer'),
        observation(registry),
        catchError((error) => {
          seenBelow.push(error, trace.getActiveSpan());
          return of(0);
        }),
      ),
    );
    expect(seenBelow).toEqual([failure, undefined]);
    expect(trace.getActiveSpan()).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(trace.getActiveSpan()).toBeUndefined();
    const [first, second, third, outer] = spans();
    expect(spans()).toHaveLength(4);
    expect(outer?.name).toBe('outer');
    expect(outer?.parentSpanContext).toBeUndefined();
    for (const [index, span] of [first, second, third].entries()) {
      expect(span?.name).toBe('inner');
      expect(span?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
      expect(span?.attributes).toMatchObject({ item: String(index + 1), 'reactor.type': 'Flux' });
    }
    for (const good of [first, second]) {
      expect(good?.attributes['reactor.status']).toBe('completed');
      expect(good?.events).toEqual([]);
      expect(good?.status.code).toBe(SpanStatusCode.UNSET);
    }
    for (const failed of [third, outer]) {
      expect(failed?.attributes['reactor.status']).toBe('error');
      expect(failed?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'third' });
      expect(failed?.events.map((event) => event.attributes?.['exception.type'])).toEqual(['RangeError']);
    }
  });

  it('R-33 shares the context other instrumentation uses, in both directions', async () => {
    const { registry, tracer, spans } = tracing();
    await tracer.startActiveSpan('request', async (request) => {
      await lastValueFrom(
        defer(() => {
          tracer.startSpan('query').end();
          return of(1);
        }).pipe(name('stream'), observation(registry)),
      );
      request.end();
    });
    const [query, stream, request] = spans();
    expect([query?.name, stream?.name, request?.name]).toEqual(['query', 'stream', 'request']);
    expect(query?.parentSpanContext?.spanId).toBe(stream?.spanContext().spanId);
    expect(stream?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
  });

  it('R-33 goes under the span of a parent that was set, and under one opened inside a current parent', () => {
    const { registry, tracer, spans } = tracing();
    const elsewhere = createObservation(registry, { name: 'elsewhere' }).start();
    createObservation(registry, { name: 'child' }).parent(elsewhere).start().stop();
    elsewhere.run(() =>
      tracer.startActiveSpan('between', (between) => {
        createObservation(registry, { name: 'grandchild' }).start().stop();
        between.end();
      }),
    );
    elsewhere.stop();
    const [child, grandchild, between, parent] = spans();
    expect(child?.parentSpanContext?.spanId).toBe(parent?.spanContext().spanId);
    expect(grandchild?.parentSpanContext?.spanId).toBe(between?.spanContext().spanId);
  });

  it('shows the contextual name, all keys, events and errors that are no Error', () => {
    const { registry, spans } = tracing();
    createObservation(registry, { name: 'n' })
      .start()
      .contextualName('order 7')
      .lowCardinality({ low: 'l' })
      .highCardinality({ high: 'h' })
      .event('retried')
      .error('plain')
      .stop();
    createObservation(registry, { name: 'm' }).start().error(Object.create(null)).stop();
    const [first, second] = spans();
    expect(first?.name).toBe('order 7');
    expect(first?.attributes).toEqual({ low: 'l', high: 'h' });
    expect(first?.events.map((event) => event.name)).toEqual(['retried', 'exception']);
    expect(first?.status.message).toBe('plain');
    expect(second?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'Error' });
    expect(() => tracingHandler({} as never)).toThrow('tracingHandler needs an OpenTelemetry Tracer');
  });
});

/** A registry on the real metrics SDK, and what it exports: per instrument, the points as [attributes, value]. */
function exporting() {
  const clock = manualClock();
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e9 });
  const provider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => provider.shutdown());
  const registry = otelRegistry(provider.getMeter('test'), { clock });
  const collect = async () => {
    exporter.reset();
    await reader.forceFlush();
    const metrics = exporter
      .getMetrics()
      .flatMap((resource) => resource.scopeMetrics.flatMap((scope) => scope.metrics));
    return Object.fromEntries(
      metrics.map((metric) => [
        metric.descriptor.name,
        { unit: metric.descriptor.unit, points: metric.dataPoints.map((point) => [point.attributes, point.value]) },
      ]),
    );
  };
  return { registry, clock, collect };
}

describe('otelRegistry', () => {
  it('R-31 exports a stream in seconds, under names that keep dots and case', async () => {
    const { registry, clock, collect } = exporting();
    const stream = NEVER.pipe(name('events'), tag('source', 'kafka'), metrics(registry));
    const subscription = stream.subscribe();
    clock.advance(2e9);
    subscription.unsubscribe();
    of(1).pipe(name('events'), tag('source', 'kafka'), metrics(registry)).subscribe();
    const exported = await collect();
    const common = { source: 'kafka', type: 'Flux' };
    expect(Object.keys(exported).sort()).toEqual([
      'events.flow.duration',
      'events.flow.duration.max',
      'events.onNext.delay',
      'events.onNext.delay.max',
      'events.subscribed',
    ]);
    expect(exported['events.subscribed']?.points).toEqual([[common, 2]]);
    expect(exported['events.flow.duration']).toMatchObject({
      unit: 's',
      points: [
        [
          { ...common, status: 'cancelled', exception: '' },
          { count: 1, sum: 2 },
        ],
        [
          { ...common, status: 'completed', exception: '' },
          { count: 1, sum: 0 },
        ],
      ],
    });
    expect(exported['events.flow.duration.max']?.points).toEqual([
      [{ ...common, status: 'cancelled', exception: '' }, 2],
      [{ ...common, status: 'completed', exception: '' }, 0],
    ]);
  });

  it('R-104 exports a timed scheduler, its counters from the start', async () => {
    const { registry, clock, collect } = exporting();
    const scheduler = timedScheduler(queueScheduler, registry, 'p');
    const before = await collect();
    expect(before['p.scheduler.tasks.submitted']?.points).toHaveLength(4);
    const waiting = scheduler.schedule(() => {}, 1e6);
    clock.advance(3e9);
    const exported = await collect();
    waiting.unsubscribe();
    expect(exported['p.scheduler.tasks.pending']).toEqual({ unit: '', points: [[{}, 1]] });
    expect(exported['p.scheduler.tasks.pending.duration']).toEqual({ unit: 's', points: [[{}, 3]] });
    expect(exported['p.scheduler.tasks.pending.max']).toEqual({ unit: 's', points: [[{}, 3]] });
    expect((await collect())['p.scheduler.tasks.pending']?.points).toEqual([[{}, 0]]);
  });

  it('keeps one meter per name and tags, and refuses a second type', async () => {
    const { registry, collect } = exporting();
    expect(registry.counter('a', { k: 'v' })).toBe(registry.counter('a', [['k', 'v']]));
    registry.counter('a', { k: 'v' }).increment(2);
    registry.counter('a', { k: 'v' }).increment(-2);
    registry.summary('s', {}, { baseUnit: 'items', description: 'Things.' }).record(5);
    registry.summary('s').record(Number.NaN);
    expect(() => registry.timer('a')).toThrow('meter "a" is a counter and cannot also be a timer');
    const exported = await collect();
    expect(exported.a?.points).toEqual([[{ k: 'v' }, 2]]);
    expect(exported.s).toMatchObject({ unit: 'items', points: [[{}, { count: 1, sum: 5 }]] });
    expect(exported['s.max']?.points).toEqual([[{}, 5]]);
    expect(() => otelRegistry({} as never)).toThrow('otelRegistry needs an OpenTelemetry Meter');
  });
});
