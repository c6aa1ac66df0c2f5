import { EMPTY, firstValueFrom, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { map, retry } from 'rxjs/operators';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { DEFAULT_METER_PREFIX, metrics, name, simpleRegistry, tag } from '../../src/index.js';
import { counted, distribution, flows, meterNames, timedRegistry } from '../readings.js';

describe('metrics', () => {
  it('R-1 R-32 registers nothing until a subscription, and then only in the registry it was given', () => {
    const registry = simpleRegistry();
    const other = simpleRegistry();
    const stream = of(1).pipe(metrics(registry));
    expect(registry.meters()).toEqual([]);
    stream.subscribe();
    expect(registry.meters()).not.toEqual([]);
    expect(other.meters()).toEqual([]);
    expect(() => metrics(undefined as never)).toThrow('metrics needs a MeterRegistry');
  });

  it('R-8 sees the resubscriptions of a retry further down', () => {
    const registry = simpleRegistry();
    let attempts = 0;
    const source = new Observable<number>((subscriber) => {
      attempts += 1;
      subscriber.next(attempts);
      if (attempts < 3) subscriber.error(new TypeError('again'));
      else subscriber.complete();
    });
    source.pipe(metrics(registry), retry()).subscribe();
    expect(counted(registry, 'reactor.subscribed')).toBe(3);
    expect(flows(registry)).toEqual({ 'error:TypeError': 2, completed: 1 });
  });

  it('R-9 prefixes the meters with the name, or with the default', () => {
    const registry = simpleRegistry();
    of(1).pipe(name('events'), metrics(registry)).subscribe();
    of(1).pipe(metrics(registry)).subscribe();
    expect(DEFAULT_METER_PREFIX).toBe('reactor');
    expect(meterNames(registry)).toEqual([
      'events.onNext.delay',
      'events.subscribed',
      'events.flow.duration',
      'reactor.onNext.delay',
      'reactor.subscribed',
      'reactor.flow.duration',
    ]);
  });

  it('R-10 changes neither values, order, errors nor timing', () => {
    const events: unknown[] = [];
    const failure = new Error('end');
    const source = new Observable<number>((subscriber) => {
      events.push('subscribed');
      subscriber.next(1);
      events.push('between');
      subscriber.next(2);
      subscriber.error(failure);
      return () => events.push('teardown');
    });
    source
      .pipe(metrics(simpleRegistry()))
      .subscribe({ next: (value) => events.push(value), error: (error) => events.push(error) });
    events.push('after');
    expect(events).toEqual(['subscribed', 1, 'between', 2, failure, 'teardown', 'after']);
  });

  it('R-11 puts stream tags on every meter besides its own', () => {
    const registry = simpleRegistry();
    new Observable<number>((subscriber) => {
      subscriber.complete();
      subscriber.complete();
    })
      .pipe(name('events'), tag('source', 'kafka'), metrics(registry))
      .subscribe();
    expect(meterNames(registry)).toHaveLength(4);
    for (const meter of registry.meters()) {
      expect(meter.tags.get('source')).toBe('kafka');
      expect(meter.tags.get('type')).toBe('Flux');
    }
  });

  it('R-11 lets a stream tag win over type, and status and exception over stream tags', () => {
    const registry = simpleRegistry();
    of(1).pipe(tag('type', 'own'), tag('status', 'own'), tag('exception', 'own'), metrics(registry)).subscribe();
    const flow = registry.find('reactor.flow.duration');
    expect([...(flow?.tags ?? [])]).toEqual([
      ['exception', ''],
      ['status', 'completed'],
      ['type', 'own'],
    ]);
  });

  it('R-12 keeps different tag sets under one name apart', () => {
    const registry = simpleRegistry();
    of(1).pipe(metrics(registry)).subscribe();
    of(1).pipe(tag('source', 'kafka'), metrics(registry)).subscribe();
    of(1).pipe(tag('source', 'kafka'), metrics(registry)).subscribe();
    const counters = registry.meters().filter((meter) => meter.name === 'reactor.subscribed');
    expect(counters.map((meter) => [...meter.tags])).toEqual([
      [['type', 'Flux']],
      [
        ['source', 'kafka'],
        ['type', 'Flux'],
      ],
    ]);
    expect(counted(registry, 'reactor.subscribed', { source: 'kafka' })).toBe(2);
  });

  it('R-18 tags the flow with exactly exception, status and type, and knows four ends', () => {
    const registry = simpleRegistry();
    of(1).pipe(metrics(registry)).subscribe();
    EMPTY.pipe(metrics(registry)).subscribe();
    throwError(() => new RangeError('x'))
      .pipe(metrics(registry))
      .subscribe({ error: () => {} });
    NEVER.pipe(metrics(registry)).subscribe().unsubscribe();
    const all = registry.meters().filter((meter) => meter.name === 'reactor.flow.duration');
    expect(all.map((meter) => Object.fromEntries(meter.tags))).toEqual([
      { exception: '', status: 'completed', type: 'Flux' },
      { exception: '', status: 'completedEmpty', type: 'Flux' },
      { exception: 'RangeError', status: 'error', type: 'Flux' },
      { exception: '', status: 'cancelled', type: 'Flux' },
    ]);
  });

  it('R-19 counts what comes after the end', () => {
    const registry = simpleRegistry();
    new Observable<number>((subscriber) => {
      subscriber.complete();
      subscriber.next(1);
    })
      .pipe(metrics(registry))
      .subscribe();
    expect(counted(registry, 'reactor.malformed.source', { type: 'Flux' })).toBe(1);
  });

  it('R-20 starts the first interval at the subscription', () => {
    const { registry, clock } = timedRegistry();
    const subject = new Subject<number>();
    subject.pipe(metrics(registry)).subscribe();
    clock.advance(70);
    subject.next(1);
    expect(distribution(registry, 'reactor.onNext.delay')).toEqual({ count: 1, total: 70, max: 70 });
  });

  it('R-21 R-52 R-63 shows demand for named Flux streams that have any', () => {
    const registry = simpleRegistry();
    const demand = new Subject<number>();
    NEVER.pipe(name('events'), metrics(registry, { demand })).subscribe();
    expect(distribution(registry, 'events.requested')).toEqual({ count: 0, total: 0, max: 0 });
    demand.next(100);
    demand.next(200);
    demand.next(0);
    demand.next(-1);
    demand.next(Number.NaN);
    expect(distribution(registry, 'events.requested')).toEqual({ count: 2, total: 300, max: 200 });
    NEVER.pipe(name('others'), metrics(registry)).subscribe();
    expect(registry.find('others.requested')).toBeUndefined();
  });

  it('R-21 records unbounded demand as 2^63-1, and stops listening at the end', () => {
    const registry = simpleRegistry();
    const demand = new Subject<number>();
    const subscription = NEVER.pipe(name('events'), metrics(registry, { demand })).subscribe();
    demand.next(Number.POSITIVE_INFINITY);
    expect(distribution(registry, 'events.requested').total).toBe(2 ** 63);
    subscription.unsubscribe();
    expect(demand.observers).toHaveLength(0);
  });

  it('R-21 reports demand that fails and leaves the stream alone', () => {
    const failures: unknown[] = [];
    const demand = throwError(() => 'no credit');
    const values: number[] = [];
    of(1)
      .pipe(
        name('events'),
        metrics(simpleRegistry(), { demand, onInstrumentationError: (failure) => failures.push(failure) }),
      )
      .subscribe((value) => values.push(value));
    expect(failures).toEqual(['no credit']);
    expect(values).toEqual([1]);
  });

  it('R-22 R-23 counts subscriptions by type', async () => {
    const registry = simpleRegistry();
    of(1).pipe(metrics(registry)).subscribe();
    await firstValueFrom(of(1).pipe(metrics(registry, { type: 'Mono' })));
    expect(counted(registry, 'reactor.subscribed', { type: 'Flux' })).toBe(1);
    expect(counted(registry, 'reactor.subscribed', { type: 'Mono' })).toBe(1);
    expect(() => of(1).pipe(metrics(registry, { type: 'Maybe' as never }))).toThrow(/'Flux' or 'Mono', got Maybe/);
  });

  it('R-35 R-36 has type as the single default tag', () => {
    const registry = simpleRegistry();
    NEVER.pipe(metrics(registry)).subscribe();
    NEVER.pipe(name('one'), metrics(registry, { type: 'Mono' })).subscribe();
    expect([...(registry.find('reactor.subscribed')?.tags ?? [])]).toEqual([['type', 'Flux']]);
    expect([...(registry.find('one.subscribed')?.tags ?? [])]).toEqual([['type', 'Mono']]);
  });

  it.each([
    [null, 'null'],
    [undefined, 'undefined'],
    [42, 'number'],
    ['text', 'string'],
    [{}, '[object Object]'],
    [Promise.resolve(1), '[object Promise]'],
  ])('R-37 refuses %s with a message that names the operator', (source, what) => {
    expect(() => metrics(simpleRegistry())(source as never)).toThrow(
      new TypeError(`metrics can only be applied to an Observable, got ${what}`),
    );
  });

  it('R-51 registers only the delay before an unnamed Flux is contacted, at zero', () => {
    const registry = simpleRegistry();
    let before: string[] = [];
    new Observable(() => {
      before = meterNames(registry);
    })
      .pipe(metrics(registry))
      .subscribe();
    expect(before).toEqual(['reactor.onNext.delay', 'reactor.subscribed']);
    expect(distribution(registry, 'reactor.onNext.delay')).toEqual({ count: 0, total: 0, max: 0 });
  });

  it('R-53 registers nothing for a Mono before its subscription, and no delay after', () => {
    const registry = simpleRegistry();
    const stream = NEVER.pipe(metrics(registry, { type: 'Mono' }));
    expect(meterNames(registry)).toEqual([]);
    stream.subscribe();
    expect(meterNames(registry)).toEqual(['reactor.subscribed']);
  });

  it('R-54 counts the subscription and starts both clocks at it', () => {
    const { registry, clock } = timedRegistry();
    clock.advance(1000);
    const subject = new Subject<number>();
    const stream = subject.pipe(metrics(registry));
    clock.advance(1000);
    expect(registry.meters()).toEqual([]);
    stream.subscribe();
    expect(counted(registry, 'reactor.subscribed')).toBe(1);
    expect(flows(registry)).toEqual({});
    clock.advance(5);
    subject.next(1);
    subject.complete();
    expect(distribution(registry, 'reactor.onNext.delay').total).toBe(5);
    expect(distribution(registry, 'reactor.flow.duration').total).toBe(5);
  });

  it('R-55 records a cancellation with its duration', () => {
    const { registry, clock } = timedRegistry();
    const subscription = NEVER.pipe(metrics(registry)).subscribe();
    clock.advance(100);
    subscription.unsubscribe();
    subscription.unsubscribe();
    const tags = { status: 'cancelled', exception: '' };
    expect(distribution(registry, 'reactor.flow.duration', tags)).toEqual({ count: 1, total: 100, max: 100 });
    expect(flows(registry)).toEqual({ cancelled: 1 });
  });

  it.each([
    ['R-56', 'completedEmpty', []],
    ['R-57', 'completed', [1]],
  ])('%s records the completion as %s', (_id, status, values) => {
    const { registry, clock } = timedRegistry();
    const subject = new Subject<number>();
    subject.pipe(metrics(registry)).subscribe();
    clock.advance(40);
    for (const value of values) subject.next(value);
    clock.advance(60);
    subject.complete();
    const flow = distribution(registry, 'reactor.flow.duration', { status, exception: '' });
    expect(flow).toEqual({ count: 1, total: 100, max: 100 });
    expect(distribution(registry, 'reactor.onNext.delay').count).toBe(values.length);
  });

  it('R-58 records an error under its name', () => {
    const { registry, clock } = timedRegistry();
    const subject = new Subject<number>();
    subject.pipe(metrics(registry)).subscribe({ error: () => {} });
    clock.advance(100);
    subject.error(new SyntaxError('x'));
    const tags = { status: 'error', exception: 'SyntaxError' };
    expect(distribution(registry, 'reactor.flow.duration', tags)).toEqual({ count: 1, total: 100, max: 100 });
  });

  it.each([
    ['R-59', 'events'],
    ['R-60', undefined],
  ])('%s times a value, and no flow yet (name %s)', (_id, streamName) => {
    const { registry, clock } = timedRegistry();
    const subject = new Subject<number>();
    const options = streamName === undefined ? {} : { name: streamName };
    subject.pipe(metrics(registry, options)).subscribe();
    clock.advance(100);
    subject.next(1);
    const prefix = streamName ?? 'reactor';
    expect(distribution(registry, `${prefix}.onNext.delay`)).toEqual({ count: 1, total: 100, max: 100 });
    expect(flows(registry, prefix)).toEqual({});
  });

  it('R-61 ends the flow of a Mono at its value', () => {
    const { registry, clock } = timedRegistry();
    const subject = new Subject<number>();
    subject.pipe(metrics(registry, { type: 'Mono' })).subscribe();
    clock.advance(100);
    subject.next(1);
    expect(distribution(registry, 'reactor.flow.duration', { status: 'completed' }).total).toBe(100);
    clock.advance(50);
    subject.complete();
    expect(flows(registry)).toEqual({ completed: 1 });
    expect(registry.find('reactor.onNext.delay')).toBeUndefined();
  });

  it('R-62 sums the intervals and keeps the longest', () => {
    const { registry, clock } = timedRegistry();
    const subject = new Subject<number>();
    subject.pipe(metrics(registry)).subscribe();
    clock.advance(100);
    subject.next(1);
    clock.advance(200);
    subject.next(2);
    clock.advance(700);
    subject.complete();
    expect(distribution(registry, 'reactor.onNext.delay')).toEqual({ count: 2, total: 300, max: 200 });
  });

  it.each([
    ['R-64', { type: 'Mono', name: 'one' } as const],
    ['R-65', {}],
    ['R-65', { name: DEFAULT_METER_PREFIX }],
  ])('%s ignores demand of %o', (_id, options) => {
    const registry = simpleRegistry();
    const demand = new Subject<number>();
    NEVER.pipe(metrics(registry, { ...options, demand })).subscribe();
    demand.next(7);
    expect(meterNames(registry).filter((meter) => meter.endsWith('requested'))).toEqual([]);
  });

  it('R-66 registers the malformed counter at the first offence and counts all three kinds', () => {
    const registry = simpleRegistry();
    let offender: { next(value: number): void; complete(): void; error(error: unknown): void } | undefined;
    const received: string[] = [];
    new Observable<number>((subscriber) => {
      offender = subscriber;
    })
      .pipe(metrics(registry))
      .subscribe({ next: () => received.push('next'), complete: () => received.push('complete') });
    offender?.complete();
    expect(registry.find('reactor.malformed.source')).toBeUndefined();
    offender?.next(1);
    expect(counted(registry, 'reactor.malformed.source')).toBe(1);
    offender?.complete();
    expect(counted(registry, 'reactor.malformed.source')).toBe(2);
    offender?.error(new Error('late'));
    expect(counted(registry, 'reactor.malformed.source')).toBe(3);
    expect(received).toEqual(['complete']);
    expect(flows(registry)).toEqual({ completedEmpty: 1 });
  });

  it('D-3 goes on without a registry that fails, and reports each failure', () => {
    const failures: unknown[] = [];
    const broken = simpleRegistry();
    const failure = new Error('registry down');
    const registry = {
      clock: broken.clock,
      counter: () => {
        throw failure;
      },
      timer: () => ({
        record: () => {
          throw failure;
        },
      }),
      summary: broken.summary.bind(broken),
      longTaskTimer: broken.longTaskTimer.bind(broken),
    };
    const values: number[] = [];
    of(1, 2)
      .pipe(metrics(registry, { onInstrumentationError: (error) => failures.push(error) }))
      .subscribe((value) => values.push(value));
    expect(values).toEqual([1, 2]);
    // The counter, two values, the flow.
    expect(failures).toEqual([failure, failure, failure, failure]);
  });

  it('D-3 warns once where nobody listens for failures, and survives a listener that throws', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const registry = simpleRegistry();
    registry.longTaskTimer('events.subscribed');
    const stream = of(1, 2, 3).pipe(metrics(registry, { name: 'events' }));
    stream.subscribe();
    stream.subscribe();
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toContain('metrics: a measurement failed');
    const values: number[] = [];
    const onInstrumentationError = () => {
      throw new Error('and the hook');
    };
    of(1)
      .pipe(metrics(registry, { name: 'events', onInstrumentationError }))
      .subscribe((value) => values.push(value));
    expect(values).toEqual([1]);
  });

  it('D-10 refuses empty names, keys and tags that are no strings at assembly', () => {
    expect(() => name('')).toThrow(TypeError);
    expect(() => tag('', 'value')).toThrow('a tag key must be a non-empty string');
    expect(() => tag('key', null as never)).toThrow('the value of tag "key" must be a string, got object');
    expect(() => of(1).pipe(metrics(simpleRegistry(), { name: '' }))).toThrow(TypeError);
    expect(() => of(1).pipe(metrics(simpleRegistry(), { tags: { '': 'x' } }))).toThrow(TypeError);
    expect(() => of(1).pipe(metrics(simpleRegistry(), { tags: 7 as never }))).toThrow(/tags must be an object/);
  });

  it('lets exceptionName decide, unless it fails', () => {
    const registry = simpleRegistry();
    const failing = throwError(() => new RangeError('x')).pipe(map(() => 1));
    const quiet = { error: () => {} };
    const onInstrumentationError = () => {};
    failing.pipe(metrics(registry, { exceptionName: () => 'Custom' })).subscribe(quiet);
    failing.pipe(metrics(registry, { exceptionName: () => 7 as never, onInstrumentationError })).subscribe(quiet);
    const exceptionName = () => {
      throw new Error('namer');
    };
    failing.pipe(metrics(registry, { exceptionName, onInstrumentationError })).subscribe(quiet);
    expect(flows(registry)).toEqual({ 'error:Custom': 1, 'error:RangeError': 2 });
  });
});
