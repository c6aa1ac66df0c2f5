import {
  firstValueFrom,
  from,
  lastValueFrom,
  NEVER,
  Observable,
  of,
  Subject,
  type Subscriber,
  throwError,
  timer,
} from 'rxjs';
import { concatMap, first, map, repeat, retry, share, switchMap, take, takeUntil, tap } from 'rxjs/operators';
import { describe, expect, it } from 'vitest';
import { metrics, type StreamType, simpleRegistry } from '../../src/index.js';
import { counted, distribution, flows } from '../readings.js';
import { collectUncaught } from '../uncaught.js';

/** The flow records of what `consume` does with a measured `source`. */
async function statusOf<T>(
  source: Observable<T>,
  consume: (measured: Observable<T>) => unknown,
  type: StreamType = 'Flux',
): Promise<Record<string, number>> {
  const registry = simpleRegistry();
  await consume(source.pipe(metrics(registry, { type })));
  const ended = Object.values(flows(registry)).reduce((sum, count) => sum + count, 0);
  expect(counted(registry, 'reactor.subscribed')).toBe(ended);
  return flows(registry);
}

const quiet = { error: () => {} };

describe('status of a subscription', () => {
  it.each([
    ['take below the number of values', of(1, 2, 3), (s: Observable<number>) => s.pipe(take(2)).subscribe()],
    ['take of exactly that number', of(1, 2), (s: Observable<number>) => s.pipe(take(2)).subscribe()],
    ['first', of(1, 2), (s: Observable<number>) => s.pipe(first()).subscribe()],
    [
      'takeUntil firing later',
      NEVER,
      (s: Observable<number>) => lastValueFrom(s.pipe(takeUntil(timer(1))), { defaultValue: 0 }),
    ],
    [
      'switchMap replacing it',
      NEVER,
      (s: Observable<number>) =>
        of(1, 2)
          .pipe(switchMap((n) => (n === 1 ? s : of(n))))
          .subscribe(),
    ],
    ['firstValueFrom', of(1), (s: Observable<number>) => firstValueFrom(s)],
    ['a failing callback further down', of(1), (s: Observable<number>) => s.pipe(map(failing)).subscribe(quiet)],
  ])('R-18 is cancelled after %s', async (_what, source, consume) => {
    expect(await statusOf(source, consume)).toEqual({ cancelled: 1 });
  });

  it('R-18 is completed for a Mono that had its value, whatever the consumer does then', async () => {
    expect(await statusOf(of(1), (s) => firstValueFrom(s), 'Mono')).toEqual({ completed: 1 });
    expect(await statusOf(of(1), (s) => s.pipe(take(1)).subscribe(), 'Mono')).toEqual({ completed: 1 });
    expect(await statusOf(of(1), (s) => s.pipe(map(failing)).subscribe(quiet), 'Mono')).toEqual({ completed: 1 });
    expect(await statusOf(NEVER, (s) => s.subscribe().unsubscribe(), 'Mono')).toEqual({ cancelled: 1 });
    expect(
      await statusOf(
        throwError(() => 'x'),
        (s) => s.subscribe(quiet),
        'Mono',
      ),
    ).toEqual({ 'error:string': 1 });
  });

  it('R-18 is the source’s own end for lastValueFrom and subscribe', async () => {
    for (const type of ['Flux', 'Mono'] as const) {
      expect(await statusOf(of(1), (s) => lastValueFrom(s), type)).toEqual({ completed: 1 });
      expect(await statusOf(from([]), (s) => s.subscribe(), type)).toEqual({ completedEmpty: 1 });
    }
  });

  it('R-18 does not see a final consumer that throws', async () => {
    const uncaught = collectUncaught();
    expect(await statusOf(of(1, 2), (s) => s.subscribe(failing))).toEqual({ completed: 1 });
    await uncaught(2);
  });

  it('R-18 does not exist where takeUntil prevents the subscription', async () => {
    expect(await statusOf(of(1), (s) => s.pipe(takeUntil(of(1))).subscribe())).toEqual({});
  });

  it('shows cancelled only after a take has completed downstream', () => {
    const registry = simpleRegistry();
    let atCompletion: Record<string, number> | undefined;
    of(1, 2)
      .pipe(metrics(registry), take(1))
      .subscribe({ complete: () => (atCompletion = flows(registry)) });
    expect(atCompletion).toEqual({});
    expect(flows(registry)).toEqual({ cancelled: 1 });
  });
});

describe('exact counts', () => {
  it('hold for a subscriber that is closed already', () => {
    const registry = simpleRegistry();
    let produced = 0;
    const measured = new Observable<number>((subscriber) => {
      produced += 1;
      subscriber.next(1);
      subscriber.complete();
    }).pipe(metrics(registry));
    new Observable<number>((subscriber) => {
      subscriber.unsubscribe();
      measured.subscribe(subscriber);
    }).subscribe();
    expect(produced).toBe(1);
    expect(counted(registry, 'reactor.subscribed')).toBe(1);
    expect(flows(registry)).toEqual({ cancelled: 1 });
    expect(distribution(registry, 'reactor.onNext.delay').count).toBe(0);
    expect(counted(registry, 'reactor.malformed.source')).toBe(0);
  });

  it('hold when next subscribes again', () => {
    const registry = simpleRegistry();
    const measured = of(1, 2).pipe(metrics(registry));
    let depth = 0;
    const subscribe = () =>
      measured.subscribe(() => {
        if (depth < 2) {
          depth += 1;
          subscribe();
        }
      });
    subscribe();
    expect(counted(registry, 'reactor.subscribed')).toBe(3);
    expect(flows(registry)).toEqual({ completed: 3 });
    expect(distribution(registry, 'reactor.onNext.delay').count).toBe(6);
  });

  it('D-2 hold when next unsubscribes and the source does not care', () => {
    const registry = simpleRegistry();
    const received: number[] = [];
    let source: Subscriber<number> | undefined;
    const subscription = new Observable<number>((subscriber) => {
      source = subscriber;
    })
      .pipe(metrics(registry))
      .subscribe((value) => {
        received.push(value);
        subscription.unsubscribe();
      });
    source?.next(1);
    source?.next(2);
    source?.complete();
    source?.error(new Error('late'));
    expect(received).toEqual([1]);
    expect(flows(registry)).toEqual({ cancelled: 1 });
    expect(distribution(registry, 'reactor.onNext.delay').count).toBe(1);
    expect(registry.find('reactor.malformed.source')).toBeUndefined();
  });
  it('hold when complete pushes into the subject again', () => {
    const registry = simpleRegistry();
    const subject = new Subject<number>();
    const received: number[] = [];
    subject.pipe(metrics(registry)).subscribe({
      next: (value) => received.push(value),
      complete: () => subject.next(2),
    });
    subject.next(1);
    subject.complete();
    expect(received).toEqual([1]);
    expect(flows(registry)).toEqual({ completed: 1 });
    expect(registry.find('reactor.malformed.source')).toBeUndefined();
  });

  it('hold for synchronous retry and repeat', () => {
    const registry = simpleRegistry();
    throwError(() => new TypeError('x'))
      .pipe(metrics(registry), retry(100))
      .subscribe(quiet);
    expect(flows(registry)).toEqual({ 'error:TypeError': 101 });
    of(1).pipe(metrics(registry), repeat(50)).subscribe();
    expect(flows(registry)).toEqual({ 'error:TypeError': 101, completed: 50 });
    expect(counted(registry, 'reactor.subscribed')).toBe(151);
  });

  it('count connections above a share and consumers below it', () => {
    const registry = simpleRegistry();
    const subject = new Subject<number>();
    const shared = subject.pipe(metrics(registry, { name: 'above' }), share(), metrics(registry, { name: 'below' }));
    shared.subscribe();
    shared.subscribe();
    subject.complete();
    expect(counted(registry, 'above.subscribed')).toBe(1);
    expect(counted(registry, 'below.subscribed')).toBe(2);
    expect(flows(registry, 'below')).toEqual({ completedEmpty: 2 });
  });

  it('D-5 include the synchronous work of the producer in the flow', () => {
    let now = 0;
    const registry = simpleRegistry({ now: () => now });
    new Observable<number>((subscriber) => {
      now += 30;
      subscriber.complete();
    })
      .pipe(metrics(registry))
      .subscribe();
    expect(distribution(registry, 'reactor.flow.duration').total).toBe(30);
  });

  it('leave out downstream work on the same value, and include it on the one before', () => {
    let now = 0;
    const registry = simpleRegistry({ now: () => now });
    of(1, 2)
      .pipe(metrics(registry), tap({ next: () => (now += 10), complete: () => (now += 1000) }))
      .subscribe();
    expect(distribution(registry, 'reactor.onNext.delay')).toEqual({ count: 2, total: 10, max: 10 });
    expect(distribution(registry, 'reactor.flow.duration').total).toBe(20);
  });

  it('observe inner streams of a flattening operator one by one', () => {
    const registry = simpleRegistry();
    of(1, 2, 3)
      .pipe(concatMap((value) => of(value).pipe(metrics(registry, { name: 'work' }))))
      .subscribe();
    expect(counted(registry, 'work.subscribed')).toBe(3);
  });
});

describe('malformed sources', () => {
  it('R-19 are seen through from, and through a throw after the end', async () => {
    const registry = simpleRegistry();
    const foreign = {
      [Symbol.observable ?? '@@observable']: () => foreign,
      subscribe(observer: { next(value: number): void; complete(): void }) {
        observer.complete();
        observer.next(1);
        return { unsubscribe() {} };
      },
    };
    from(foreign as unknown as Observable<number>)
      .pipe(metrics(registry))
      .subscribe();
    expect(counted(registry, 'reactor.malformed.source')).toBe(1);
    new Observable((subscriber) => {
      subscriber.complete();
      throw new Error('after the end');
    })
      .pipe(metrics(registry))
      .subscribe();
    expect(counted(registry, 'reactor.malformed.source')).toBe(2);
  });

  it('R-19 are not seen through an operator or a Subject, which refuse such signals themselves', () => {
    const registry = simpleRegistry();
    new Observable<number>((subscriber) => {
      subscriber.complete();
      subscriber.next(1);
    })
      .pipe(
        map((value) => value),
        metrics(registry),
      )
      .subscribe();
    const subject = new Subject<number>();
    subject.pipe(metrics(registry)).subscribe();
    subject.complete();
    subject.next(1);
    expect(registry.find('reactor.malformed.source')).toBeUndefined();
  });

  it('D-6 are those of a Mono that give a second value, which still passes', () => {
    const registry = simpleRegistry();
    const received: number[] = [];
    of(1, 2)
      .pipe(metrics(registry, { type: 'Mono' }))
      .subscribe((value) => received.push(value));
    expect(received).toEqual([1, 2]);
    expect(counted(registry, 'reactor.malformed.source', { type: 'Mono' })).toBe(1);
    const failing = new Subject<number>();
    failing.pipe(metrics(registry, { type: 'Mono' })).subscribe(quiet);
    failing.next(1);
    failing.error(new Error('x'));
    expect(flows(registry)).toEqual({ completed: 2 });
  });
});

function failing(): never {
  throw new Error('callback');
}
