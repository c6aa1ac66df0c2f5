import { asapScheduler, connectable, merge, Observable, of, Subject } from 'rxjs';
import { catchError, endWith, filter, map, observeOn, share, switchMap, take } from 'rxjs/operators';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  metrics,
  name,
  observation,
  observationRegistry,
  type SignalListener,
  type StreamIdentity,
  simpleRegistry,
  tag,
  tapSignals,
  timedScheduler,
} from '../../src/index.js';
import { timedRegistry } from '../readings.js';

/** What a tap at the end of `stream` finds. */
function identityOf(stream: Observable<unknown>): { name: string; named: boolean; tags: Record<string, string> } {
  let found: StreamIdentity | undefined;
  const listener = (identity: StreamIdentity): SignalListener<unknown> => {
    found = identity;
    return {};
  };
  stream.pipe(tapSignals(listener), take(0)).subscribe();
  stream.pipe(tapSignals(listener)).subscribe().unsubscribe();
  if (found === undefined) throw new Error('the listener was not made');
  return { name: found.name, named: found.named, tags: Object.fromEntries(found.tags) };
}

function spyOnWarnings() {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  onTestFinished(() => warn.mockRestore());
  return warn;
}

/** An Observable of a library that shows nothing of its making. */
function foreign<T>(value: T): Observable<T> {
  const stream = {
    subscribe(observer: { next(value: T): void; complete(): void }) {
      observer.next(value);
      observer.complete();
      return { unsubscribe() {} };
    },
  };
  return stream as unknown as Observable<T>;
}

describe('names and tags of a stream', () => {
  it('R-2 are discovered on streams, while a scheduler needs a prefix', () => {
    const { registry } = timedRegistry();
    expect(identityOf(of(1).pipe(name('events'))).name).toBe('events');
    expect(() => timedScheduler(asapScheduler, registry, undefined as never)).toThrow(
      'the prefix of a timed scheduler must be a non-empty string',
    );
  });

  it.each([
    ['R-39', 'Flux'],
    ['R-40', 'Mono'],
  ] as const)('%s resolve in all four combinations for a %s, on the registry clock', (_id, type) => {
    const { registry, clock } = timedRegistry();
    const measure = metrics<number>(registry, { type });
    clock.advance(3);
    for (const stream of [
      of(1),
      of(1).pipe(name('n')),
      of(1).pipe(tag('k', 'v')),
      of(1).pipe(name('n'), tag('k', 'v')),
    ]) {
      stream.pipe(measure).subscribe();
    }
    const counters = registry.meters().filter((meter) => meter.name.endsWith('.subscribed'));
    expect(counters.map((meter) => [meter.name, Object.fromEntries(meter.tags)])).toEqual([
      ['reactor.subscribed', { type }],
      ['n.subscribed', { type }],
      ['reactor.subscribed', { k: 'v', type }],
      ['n.subscribed', { k: 'v', type }],
    ]);
  });

  it('R-38 reach each listener exactly as computed for the stream', () => {
    const stream = of(1).pipe(name('n'), tag('b', '2'), tag('a', '1'));
    expect(identityOf(stream)).toEqual({ name: 'n', named: true, tags: { a: '1', b: '2' } });
  });

  it('R-41 R-45 default without a word', () => {
    const warn = spyOnWarnings();
    expect(identityOf(of(1).pipe(map(String)))).toEqual({ name: 'reactor', named: false, tags: {} });
    expect(warn).not.toHaveBeenCalled();
  });

  it('R-42 find a name directly above', () => {
    expect(identityOf(of(1).pipe(name('near'))).name).toBe('near');
  });

  it('R-43 find a name above two operators', () => {
    expect(identityOf(of(1).pipe(name('far'), map(String), filter(Boolean))).name).toBe('far');
  });

  it('R-44 R-50 default with one warning for a stream that shows nothing, whose values still pass', () => {
    const warn = spyOnWarnings();
    const registry = simpleRegistry();
    const values: number[] = [];
    const stream = metrics<number>(registry)(foreign(7));
    stream.subscribe((value) => values.push(value));
    stream.subscribe((value) => values.push(value));
    expect(values).toEqual([7, 7]);
    expect([...(registry.find('reactor.subscribed')?.tags ?? [])]).toEqual([['type', 'Flux']]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toMatch(/^metrics: .*Give it a name/);
  });

  it('R-44 accept a name right above the tap of a stream that shows nothing', () => {
    const warn = spyOnWarnings();
    const registry = simpleRegistry();
    metrics<number>(registry)(tag<number>('k', 'v')(name<number>('named')(foreign(7)))).subscribe();
    expect(Object.fromEntries(registry.find('named.subscribed')?.tags ?? [])).toEqual({ k: 'v', type: 'Flux' });
    expect(warn).not.toHaveBeenCalled();
  });

  it('R-44 R-78 default when looking at the stream throws', () => {
    const warn = spyOnWarnings();
    const hostile = of(1);
    Object.defineProperty(hostile, 'source', {
      get() {
        throw new Error('no look');
      },
    });
    const values: number[] = [];
    hostile.pipe(metrics(simpleRegistry())).subscribe({ next: (value) => values.push(value), error: () => {} });
    hostile.pipe(observation(observationRegistry()));
    expect(warn).toHaveBeenCalledTimes(2);
  });

  it('R-46 add a tag directly above', () => {
    expect(identityOf(of(1).pipe(tag('k', 'v'))).tags).toEqual({ k: 'v' });
  });

  it('R-47 add a tag above two operators', () => {
    expect(identityOf(of(1).pipe(tag('k', 'v'), map(String), filter(Boolean))).tags).toEqual({ k: 'v' });
  });

  it('R-48 add tags scattered over the chain', () => {
    const stream = of(1).pipe(tag('a', '1'), map(String), tag('b', '2'), filter(Boolean), tag('c', '3'));
    expect(identityOf(stream).tags).toEqual({ a: '1', b: '2', c: '3' });
  });

  it('R-49 let the later value of a key win, sorted by code unit', () => {
    const stream = of(1).pipe(
      tag('k', 'far'),
      tag('b', '1'),
      map(String),
      tag('k', 'near'),
      tag('A', '2'),
      tag('é', '3'),
    );
    expect(Object.entries(identityOf(stream).tags)).toEqual([
      ['A', '2'],
      ['b', '1'],
      ['k', 'near'],
      ['é', '3'],
    ]);
  });

  it('R-133 pass through a tap, and through any operator that keeps its source', () => {
    const registry = simpleRegistry();
    const stream = of(1).pipe(
      name('n'),
      tag('k', 'v'),
      metrics(registry),
      tapSignals(() => ({})),
    );
    expect(identityOf(stream)).toMatchObject({ name: 'n', tags: { k: 'v' } });
    const long = of(1).pipe(
      name('n'),
      share(),
      catchError(() => of(2)),
      observeOn(asapScheduler),
      switchMap((v) => of(v)),
    );
    expect(identityOf(long).name).toBe('n');
    expect(identityOf(new Subject().pipe(name('s'))).name).toBe('s');
  });

  it('R-133 end where RxJS shows no source', () => {
    const named = of(1).pipe(name('n'));
    expect(identityOf(merge(named, of(2))).named).toBe(false);
    expect(identityOf(connectable(named)).named).toBe(false);
    expect(identityOf(named.pipe(endWith(2))).named).toBe(false);
    expect(identityOf(new Observable((subscriber) => named.subscribe(subscriber))).named).toBe(false);
  });

  it('R-134 let the last name win, also across operators, and keep branches apart', () => {
    const source = of(1);
    const base = source.pipe(name('first'), map(String), name('second'));
    const left = base.pipe(name('left'));
    const right = base.pipe(name('right'), tag('side', 'right'));
    expect(identityOf(base).name).toBe('second');
    expect(identityOf(left)).toEqual({ name: 'left', named: true, tags: {} });
    expect(identityOf(right)).toEqual({ name: 'right', named: true, tags: { side: 'right' } });
    expect(identityOf(source).named).toBe(false);
    // A name like that of an operator is a name.
    expect(identityOf(of(1).pipe(name('map'), map(String))).name).toBe('map');
  });

  it('R-135 merge when they follow each other, and put no link between source and subscriber', () => {
    const source = of(1);
    const stream = source.pipe(name('n'), tag('a', '1'), tag('b', '2'));
    expect(stream.source).toBe(source);
    expect(identityOf(stream)).toEqual({ name: 'n', named: true, tags: { a: '1', b: '2' } });
    let seen: unknown;
    let subscriber: unknown;
    const outer = new Observable<number>((inner) => {
      seen = inner;
    }).pipe(name('n'), tag('a', '1'));
    new Observable<number>((own) => {
      subscriber = own;
      outer.subscribe(own);
    }).subscribe();
    expect(seen).toBe(subscriber);
  });

  it('take options before what was discovered', () => {
    const registry = simpleRegistry();
    of(1)
      .pipe(
        name('found'),
        tag('k', 'found'),
        tag('l', 'found'),
        metrics(registry, { name: 'given', tags: { k: 'given' } }),
      )
      .subscribe();
    const meter = registry.find('given.subscribed');
    expect(Object.fromEntries(meter?.tags ?? [])).toEqual({ k: 'given', l: 'found', type: 'Flux' });
  });

  it('survive a name that a replacement pattern would mangle', () => {
    const registry = simpleRegistry();
    of(1).pipe(name("a$&b$'"), metrics(registry)).subscribe();
    expect(registry.find("a$&b$'.subscribed")).toBeDefined();
  });
});
