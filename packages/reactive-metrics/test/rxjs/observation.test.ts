import { EMPTY, firstValueFrom, lastValueFrom, NEVER, Observable, of, Subject, throwError, timer } from 'rxjs';
import { concatMap, map, mergeMap } from 'rxjs/operators';
import { describe, expect, it } from 'vitest';
import {
  createObservation,
  meterHandler,
  metrics,
  name,
  ObservationContext,
  type ObservationConvention,
  type ObservationHandler,
  type ObservationRegistry,
  observation,
  observationRegistry,
  simpleRegistry,
  tag,
} from '../../src/index.js';
import { observationRecorder } from '../../src/testing.js';
import { counted, distribution, meterNames, running, timedRegistry } from '../readings.js';

const quiet = { error: () => {} };

function recording(handlers: ObservationHandler[] = []) {
  const recorder = observationRecorder();
  const registry = observationRegistry({ handlers: [recorder, ...handlers] });
  const recorded = () => {
    const [first, ...others] = recorder.observations;
    if (first === undefined || others.length > 0) throw new Error(`${recorder.observations.length} observations`);
    return first;
  };
  const keys = () => Object.fromEntries(recorded().context.lowCardinality);
  return { recorder, registry, recorded, keys };
}

/** A stream that gives a value later, and the observation current where it is made. */
function asynchronous(registry: ObservationRegistry, seen: unknown[]): Observable<number> {
  return new Observable((subscriber) => {
    seen.push(registry.current?.context.name);
    const handle = setTimeout(() => {
      seen.push(registry.current?.context.name);
      subscriber.next(1);
      subscriber.complete();
    });
    return () => clearTimeout(handle);
  });
}

describe('observation', () => {
  it('R-13 lets each handler make what it likes of it', () => {
    const meters = simpleRegistry();
    const log: string[] = [];
    const logger: ObservationHandler = { onStop: (context) => void log.push(context.name) };
    const registry = observationRegistry({ handlers: [meterHandler(meters), logger] });
    of(1).pipe(name('events'), observation(registry)).subscribe();
    expect(log).toEqual(['events']);
    expect(distribution(meters, 'events').count).toBe(1);
    expect(() => observation(undefined as never)).toThrow('observation needs an ObservationRegistry');
  });

  it('R-14 is named after the stream', () => {
    const { registry, recorded } = recording();
    of(1).pipe(name('events'), map(String), observation(registry)).subscribe();
    expect(recorded().context.name).toBe('events');
  });

  it('R-15 stands beside metrics on one stream, with meters of its own', () => {
    const meters = simpleRegistry();
    const registry = observationRegistry({ handlers: [meterHandler(meters)] });
    of(1).pipe(name('events'), metrics(meters), observation(registry)).subscribe();
    expect(meterNames(meters).sort()).toEqual([
      'events',
      'events.active',
      'events.flow.duration',
      'events.onNext.delay',
      'events.subscribed',
    ]);
  });

  it('R-16 spans a whole subscription, and one per unit of work on inner streams', () => {
    const { registry, recorder } = recording();
    of(1, 2, 3)
      .pipe(
        concatMap((value) => of(value).pipe(observation(registry, undefined, { name: 'work' }))),
        observation(registry, undefined, { name: 'all' }),
      )
      .subscribe();
    expect(recorder.observations.map((seen) => [seen.context.name, seen.stops])).toEqual([
      ['all', 1],
      ['work', 1],
      ['work', 1],
      ['work', 1],
    ]);
  });

  it('R-17 R-86 honours a convention and a context of the supplier', () => {
    class OrderContext extends ObservationContext {
      readonly order = '7';
    }
    const convention: ObservationConvention<OrderContext> = {
      supports: (context) => context instanceof OrderContext,
      name: () => 'orders',
      contextualName: (context) => `order ${context.order}`,
      lowCardinality: () => ({ kind: 'book' }),
      highCardinality: (context) => ({ order: context.order }),
    };
    const { registry, recorded, keys } = recording();
    of(1)
      .pipe(observation(registry, (own) => createObservation(own, { convention, context: () => new OrderContext() })))
      .subscribe();
    expect(recorded().context.name).toBe('orders');
    expect(recorded().context.contextualName).toBe('order 7');
    expect(keys()).toEqual({ kind: 'book', 'reactor.status': 'completed', 'reactor.type': 'Flux' });
    expect(Object.fromEntries(recorded().context.highCardinality)).toEqual({ order: '7' });
    const failures: unknown[] = [];
    of(1)
      .pipe(observation(registry, (own) => createObservation(own, { convention })))
      .subscribe({ error: (error) => failures.push(error) });
    expect(failures).toEqual([new Error('the observation convention does not support the context of the observation')]);
  });

  it('R-17 prefers its own convention to the registry’s, and that to the default', () => {
    const convention = (own: string): ObservationConvention => ({ supports: () => true, name: () => own });
    const recorder = observationRecorder();
    const registry = observationRegistry({ handlers: [recorder], conventions: [convention('registry')] });
    const plain = observationRegistry({ handlers: [recorder] });
    const defaultConvention = convention('default');
    createObservation(registry, { convention: convention('own'), defaultConvention }).start();
    createObservation(registry, { convention: null, defaultConvention }).start();
    createObservation(plain, { convention: null, defaultConvention }).start();
    createObservation(plain, { name: 'name', convention: { supports: () => true, name: () => ' ' } }).start();
    expect(recorder.observations.map((seen) => seen.context.name)).toEqual(['own', 'registry', 'default', 'name']);
  });

  it('R-17 reads the keys of a convention again at the stop', () => {
    let reads = 0;
    const convention: ObservationConvention = {
      supports: () => true,
      lowCardinality: () => ({ read: String(++reads) }),
    };
    const { registry, keys } = recording();
    const observed = createObservation(registry, { name: 'n', convention }).start();
    expect(keys()).toEqual({ read: '1' });
    observed.stop();
    observed.stop();
    expect(keys()).toEqual({ read: '2' });
  });

  it('R-29 is called reactor.observation where nobody named the stream', () => {
    const meters = simpleRegistry();
    of(1)
      .pipe(observation(observationRegistry({ handlers: [meterHandler(meters)] })))
      .subscribe();
    expect(meters.meters().map((meter) => [meter.kind, meter.name])).toEqual([
      ['longTaskTimer', 'reactor.observation.active'],
      ['timer', 'reactor.observation'],
    ]);
  });

  it('R-30 has type and status, and only keys known at start while it runs', () => {
    const { registry: meters, clock } = timedRegistry();
    const registry = observationRegistry({ handlers: [meterHandler(meters)] });
    const subject = new Subject<number>();
    subject.pipe(name('n'), tag('k', 'v'), observation(registry)).subscribe();
    expect(running(meters, 'n.active')).toBe(1);
    clock.advance(25);
    subject.complete();
    expect(running(meters, 'n.active')).toBe(0);
    expect(Object.fromEntries(meters.find('n.active')?.tags ?? [])).toEqual({ k: 'v', 'reactor.type': 'Flux' });
    expect(Object.fromEntries(meters.find('n')?.tags ?? [])).toEqual({
      error: 'none',
      k: 'v',
      'reactor.status': 'completedEmpty',
      'reactor.type': 'Flux',
    });
    expect(distribution(meters, 'n')).toEqual({ count: 1, total: 25, max: 25 });
  });

  it('R-30 names the error on the timer, by option if need be, and leaves .active out when asked', () => {
    const meters = simpleRegistry();
    const registry = observationRegistry({ handlers: [meterHandler(meters, { longTaskTimer: false })] });
    const failing = throwError(() => new RangeError('x'));
    failing.pipe(name('n'), observation(registry)).subscribe(quiet);
    failing.pipe(name('m'), observation(registry, undefined, { exceptionName: () => 'Custom' })).subscribe(quiet);
    expect(meters.find('n')?.tags.get('error')).toBe('RangeError');
    expect(meters.find('m')?.tags.get('error')).toBe('Custom');
    expect(meters.find('n.active')).toBeUndefined();
  });

  it.each([
    ['R-67', 'Mono'],
    ['R-68', 'Flux'],
  ] as const)('%s shows the type %s under reactor.type', (_id, type) => {
    const { registry, keys } = recording();
    NEVER.pipe(observation(registry, undefined, { type })).subscribe();
    expect(keys()).toEqual({ 'reactor.type': type });
  });

  it('R-69 refuses what is no Observable', () => {
    expect(() => observation(observationRegistry())(7 as never)).toThrow(
      'observation can only be applied to an Observable, got number',
    );
  });

  it('R-70 keeps the configuration of the stream and what was current at the subscription', () => {
    const { registry, recorder } = recording();
    const stream = NEVER.pipe(name('n'), tag('k', 'v'), observation(registry));
    const outer = createObservation(registry, { name: 'outer' }).start();
    outer.run(() => stream.subscribe());
    const [, inner] = recorder.observations;
    expect(inner?.context.parent).toBe(outer);
    expect(Object.fromEntries(inner?.context.lowCardinality ?? [])).toEqual({ k: 'v', 'reactor.type': 'Flux' });
  });

  it.each([
    ['R-71', 'Flux'],
    ['R-72', 'Mono'],
  ] as const)('%s resolves name and keys in all four combinations for a %s', (_id, type) => {
    const { registry, recorder } = recording();
    const observe = observation<number>(registry, undefined, { type });
    for (const stream of [
      of(1),
      of(1).pipe(name('n')),
      of(1).pipe(tag('k', 'v')),
      of(1).pipe(name('n'), tag('k', 'v')),
    ]) {
      stream.pipe(observe).subscribe();
    }
    const common = { 'reactor.status': 'completed', 'reactor.type': type };
    expect(
      recorder.observations.map(({ context }) => [context.name, Object.fromEntries(context.lowCardinality)]),
    ).toEqual([
      ['reactor.observation', common],
      ['n', common],
      ['reactor.observation', { ...common, k: 'v' }],
      ['n', { ...common, k: 'v' }],
    ]);
  });

  it.each([
    ['R-73', NEVER, {}],
    ['R-74', NEVER.pipe(tag('k', 'v')), { k: 'v' }],
    ['R-75', NEVER.pipe(tag('k', 'v'), map(String), map(String)), { k: 'v' }],
    [
      'R-76',
      NEVER.pipe(tag('a', '1'), map(String), tag('b', '2'), map(String), tag('c', '3')),
      { a: '1', b: '2', c: '3' },
    ],
    ['R-77', NEVER.pipe(tag('z', '1'), tag('k', 'far'), map(String), tag('k', 'near')), { k: 'near', z: '1' }],
  ] as const)('%s has the keys of the stream, sorted', (_id, stream, expected) => {
    const { registry, recorded } = recording();
    (stream as Observable<unknown>).pipe(observation(registry)).subscribe();
    const keys = { ...expected, 'reactor.type': 'Flux' };
    expect([...recorded().context.lowCardinality]).toEqual(Object.entries(keys).sort());
  });

  it('R-79 adds the keys of the stream to a supplied observation and keeps the rest of it', () => {
    const { registry, recorder, recorded } = recording();
    let before = -1;
    NEVER.pipe(
      tag('stream', 's'),
      observation(registry, (own) => {
        const supplied = createObservation(own, { name: 'own' })
          .contextualName('own thing')
          .lowCardinality({ low: 'l' })
          .highCardinality({ high: 'h' });
        before = recorder.observations.length;
        return supplied;
      }),
    ).subscribe();
    expect(before).toBe(0);
    const { context } = recorded();
    expect([context.name, context.contextualName]).toEqual(['own', 'own thing']);
    expect(Object.fromEntries(context.lowCardinality)).toEqual({ low: 'l', 'reactor.type': 'Flux', stream: 's' });
    expect(Object.fromEntries(context.highCardinality)).toEqual({ high: 'h' });
  });

  it.each([
    ['R-80', {}, 'reactor.observation'],
    ['R-81', { name: 'n' }, 'n'],
    ['R-82', { name: 'n', type: 'Mono' as const }, 'n'],
  ])('%s is started and not stopped, with its name and contextual name', (_id, options, expected) => {
    const { registry, recorded } = recording();
    NEVER.pipe(tag('k', 'v'), observation(registry, undefined, options)).subscribe();
    expect([recorded().context.name, recorded().context.contextualName]).toEqual([expected, expected]);
    expect(recorded().context.lowCardinality.get('k')).toBe('v');
    expect(recorded().stops).toBe(0);
  });

  it.each([
    ['R-83', 'Flux'],
    ['R-85', 'Mono'],
  ] as const)('%s has exactly four keys after a whole run of a %s', (_id, type) => {
    const { registry, recorded, keys } = recording();
    of(1)
      .pipe(tag('a', '1'), tag('b', '2'), observation(registry, undefined, { type }))
      .subscribe();
    expect(recorded().stops).toBe(1);
    expect(keys()).toEqual({ a: '1', b: '2', 'reactor.status': 'completed', 'reactor.type': type });
  });

  it('R-84 R-92 stops a Mono at its value and not again, whether it is cancelled or completes', async () => {
    const cancelled = recording();
    await firstValueFrom(of(1).pipe(observation(cancelled.registry, undefined, { type: 'Mono' })));
    expect(cancelled.recorded().stops).toBe(1);
    expect(cancelled.keys()).toMatchObject({ 'reactor.status': 'completed' });
    const completed = recording();
    const subject = new Subject<number>();
    subject.pipe(observation(completed.registry, undefined, { type: 'Mono' })).subscribe();
    subject.next(1);
    expect(completed.recorded().stops).toBe(1);
    subject.complete();
    expect(completed.recorded().stops).toBe(1);
  });

  it('R-87 makes the default observation when the supplier gives nothing', () => {
    const { registry, recorded, keys } = recording();
    of(1)
      .pipe(observation(registry, () => null))
      .subscribe();
    expect(recorded().context.name).toBe('reactor.observation');
    expect(keys()).toEqual({ 'reactor.status': 'completed', 'reactor.type': 'Flux' });
  });

  it('R-88 passes the error of a failing supplier to the subscriber and starts nothing', () => {
    const { registry, recorder } = recording();
    const failure = new Error('supplier');
    const failures: unknown[] = [];
    of(1)
      .pipe(
        observation(registry, () => {
          throw failure;
        }),
      )
      .subscribe({ error: (error) => failures.push(error) });
    expect(failures).toEqual([failure]);
    expect(recorder.observations).toEqual([]);
  });

  it.each([
    ['R-89', 'cancelled', NEVER],
    ['R-90', 'completedEmpty', EMPTY],
    ['R-91', 'completed', of(1)],
  ])('%s stops with status %s and no error', (_id, status, source) => {
    const { registry, recorded, keys } = recording();
    (source as Observable<number>).pipe(observation(registry)).subscribe().unsubscribe();
    expect(recorded().stops).toBe(1);
    expect(recorded().errors).toEqual([]);
    expect(keys()).toEqual({ 'reactor.status': status, 'reactor.type': 'Flux' });
  });

  it('R-93 stops an empty Mono with completedEmpty', () => {
    const { registry, recorded, keys } = recording();
    EMPTY.pipe(observation(registry, undefined, { type: 'Mono' })).subscribe();
    expect(recorded().stops).toBe(1);
    expect(keys()).toMatchObject({ 'reactor.status': 'completedEmpty' });
  });

  it('R-94 attaches the error and adds no key but the status', () => {
    const { registry, recorded, keys } = recording();
    const failure = new Error('x');
    throwError(() => failure)
      .pipe(tag('k', 'v'), observation(registry))
      .subscribe(quiet);
    expect(recorded().errors).toEqual([failure]);
    expect(recorded().context.failure).toEqual({ error: failure });
    expect(keys()).toEqual({ k: 'v', 'reactor.status': 'error', 'reactor.type': 'Flux' });
  });

  it('R-95 takes its parent from what is current, is current upstream, and leaves nothing current', () => {
    const { registry, recorder } = recording();
    const outer = createObservation(registry, { name: 'outer' }).start();
    const seen: unknown[] = [];
    const source = new Observable<number>((subscriber) => {
      seen.push(registry.current?.context.name);
      subscriber.next(1);
      subscriber.complete();
    });
    outer.run(() => source.pipe(name('inner'), observation(registry)).subscribe());
    expect(seen).toEqual(['inner']);
    expect(recorder.observations[1]?.context.parent).toBe(outer);
    expect(recorder.observations[0]?.stops).toBe(0);
    expect(Object.fromEntries(outer.context.lowCardinality)).toEqual({});
    expect(registry.current).toBeUndefined();
  });

  it.each([
    ['R-96', 'Mono'],
    ['R-97', 'Flux'],
  ] as const)('%s shows the inner above and the outer below the tap of an asynchronous %s', async (_id, type) => {
    const { registry, recorder } = recording();
    const above: unknown[] = [];
    const below: unknown[] = [];
    const look = () => below.push(registry.current?.context.name);
    const outer = createObservation(registry, { name: 'outer' }).start();
    await outer.run(
      () =>
        new Promise<void>((done) => {
          asynchronous(registry, above)
            .pipe(
              name('inner'),
              observation(registry, undefined, { type }),
              map(look),
              mergeMap(() => timer(1)),
              map(look),
            )
            .subscribe({ next: look, complete: () => done(void look()) });
        }),
    );
    expect(above).toEqual(['inner', 'inner']);
    expect(below).toEqual(['outer', 'outer', 'outer', 'outer']);
    expect(recorder.observations[1]?.context.parent).toBe(outer);
  });

  it('R-98 has no parent where nothing is current, and leaves it so', async () => {
    const { registry, recorded } = recording();
    const seen: unknown[] = [];
    await lastValueFrom(asynchronous(registry, seen).pipe(name('n'), observation(registry)));
    expect(seen).toEqual(['n', 'n']);
    expect(recorded().context.parent).toBeUndefined();
    expect(registry.current).toBeUndefined();
  });

  it('R-99 leaves the outer one current until its owner ends it', async () => {
    const { registry } = recording();
    const outer = createObservation(registry, { name: 'outer' }).start();
    await outer.run(async () => {
      await lastValueFrom(asynchronous(registry, []).pipe(observation(registry)));
      expect(registry.current).toBe(outer);
    });
    expect(registry.current).toBeUndefined();
  });

  it('OB-8 starts handlers in order and stops them in reverse, or does nothing at all', () => {
    const log: string[] = [];
    const handler = (id: string): ObservationHandler => ({
      onStart: () => void log.push(`start ${id}`),
      onStop: () => void log.push(`stop ${id}`),
    });
    const handlers = [handler('a'), handler('b')];
    of(1)
      .pipe(observation(observationRegistry({ handlers })))
      .subscribe();
    expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a']);
    of(1)
      .pipe(observation(observationRegistry({ handlers, predicate: () => false })))
      .subscribe();
    expect(log).toHaveLength(4);
    const noop = createObservation(observationRegistry(), { name: 'n' });
    expect(noop.isNoop).toBe(true);
    const chained = noop.parent(noop).contextualName('c').lowCardinality({}).highCardinality({});
    chained.start().event('e').error('x').stop();
    expect(noop.run(() => 7)).toBe(7);
    expect(handlers).toHaveLength(2);
  });

  it('OB-8 passes over handlers that do not support the context', () => {
    const { registry, recorder } = recording([{ supports: () => false, onStart: failing, runWith: failing as never }]);
    of(1).pipe(observation(registry)).subscribe();
    expect(recorder.observations).toHaveLength(1);
  });

  it('OB-9 counts events', () => {
    const meters = simpleRegistry();
    const registry = observationRegistry({ handlers: [meterHandler(meters)] });
    createObservation(registry, { name: 'n' }).lowCardinality({ k: 'v' }).start().event('retry').event('retry').stop();
    expect(counted(meters, 'n.retry', { k: 'v' })).toBe(2);
  });

  it('D-3 goes on when handlers fail, tells of each failure, and the other handlers work', () => {
    const failures: unknown[] = [];
    const broken: ObservationHandler = {
      onStart: failing,
      onError: failing,
      onStop: failing,
      runWith: failing as never,
    };
    const recorder = observationRecorder();
    const registry = observationRegistry({ handlers: [broken, recorder] });
    const values: unknown[] = [];
    of(1)
      .pipe(observation(registry, undefined, { onInstrumentationError: (failure) => failures.push(failure) }))
      .subscribe((value) => values.push(value));
    expect(values).toEqual([1]);
    expect(failures).toHaveLength(3);
    expect(recorder.observations[0]?.stops).toBe(1);
    const capturing = observationRegistry({ handlers: [{ capture: failing }] });
    of(2)
      .pipe(observation(capturing, undefined, { onInstrumentationError: (failure) => failures.push(failure) }))
      .subscribe((value) => values.push(value));
    expect(values).toEqual([1, 2]);
    expect(failures).toHaveLength(4);
  });

  it('OB-3 ignores what a source sends after its end', () => {
    const { registry, recorded } = recording();
    new Observable<number>((subscriber) => {
      subscriber.complete();
      subscriber.next(1);
      subscriber.error('x');
    })
      .pipe(observation(registry))
      .subscribe();
    expect(recorded().stops).toBe(1);
    expect(recorded().errors).toEqual([]);
  });
});

function failing(): never {
  throw new Error('handler');
}
