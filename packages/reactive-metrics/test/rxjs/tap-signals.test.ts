import { EMPTY, NEVER, Observable, of, type Subscriber, throwError } from 'rxjs';
import { map } from 'rxjs/operators';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type SignalListener, tapSignals } from '../../src/index.js';

/** A listener that writes down every call. */
function logging(log: unknown[], own: SignalListener<unknown> = {}): SignalListener<unknown> {
  return {
    doFirst: () => log.push('first'),
    doOnSubscription: () => log.push('subscription'),
    doOnNext: (value) => log.push(`next ${value}`),
    doOnComplete: () => log.push('complete'),
    doOnError: (error) => log.push(`error ${error}`),
    doOnCancel: () => log.push('cancel'),
    doAfterComplete: () => log.push('after complete'),
    doAfterError: (error) => log.push(`after error ${error}`),
    doFinally: (end) => log.push(`finally ${end}`),
    doOnMalformedOnNext: (value) => log.push(`malformed next ${value}`),
    doOnMalformedOnComplete: () => log.push('malformed complete'),
    doOnMalformedOnError: (error) => log.push(`malformed error ${error}`),
    handleListenerError: (failure) => log.push(failure),
    ...own,
  };
}

function consumer(log: unknown[]) {
  return {
    next: (value: unknown) => log.push(`> ${value}`),
    complete: () => log.push('> complete'),
    error: (error: unknown) => log.push(error),
  };
}

describe('tapSignals', () => {
  it('R-7 attaches a listener anywhere, one per subscription', () => {
    const seen: unknown[][] = [];
    const stream = of(1, 2).pipe(
      map((value) => value * 10),
      tapSignals(() => {
        const log: unknown[] = [];
        seen.push(log);
        return { doOnNext: (value) => log.push(value) };
      }),
      map(String),
    );
    expect(seen).toEqual([]);
    stream.subscribe();
    stream.subscribe();
    expect(seen).toEqual([
      [10, 20],
      [10, 20],
    ]);
    expect(() => tapSignals({} as never)).toThrow('tapSignals needs a function that makes a listener');
  });

  it('R-122 orders the events of a completion', () => {
    const log: unknown[] = [];
    of(1, 2)
      .pipe(tapSignals(() => logging(log)))
      .subscribe(consumer(log));
    expect(log).toEqual([
      'first',
      'subscription',
      'next 1',
      '> 1',
      'next 2',
      '> 2',
      'complete',
      '> complete',
      'after complete',
      'finally complete',
    ]);
  });

  it('R-123 orders the events of an error', () => {
    const log: unknown[] = [];
    throwError(() => 'boom')
      .pipe(tapSignals(() => logging(log)))
      .subscribe(consumer(log));
    expect(log).toEqual(['first', 'subscription', 'error boom', 'boom', 'after error boom', 'finally error']);
  });

  it('R-125 hears of a cancellation before the source, then finally, then nothing', () => {
    const log: unknown[] = [];
    let source: Subscriber<number> | undefined;
    const subscription = new Observable<number>((subscriber) => {
      source = subscriber;
      return () => log.push('teardown');
    })
      .pipe(tapSignals(() => logging(log)))
      .subscribe();
    subscription.unsubscribe();
    subscription.unsubscribe();
    source?.next(1);
    source?.complete();
    expect(log).toEqual(['first', 'subscription', 'cancel', 'teardown', 'finally cancel']);
  });

  it.each([
    ['R-126', 'value', (s: Subscriber<number>) => s.next(1), 'malformed next 1'],
    ['R-127', 'completion', (s: Subscriber<number>) => s.complete(), 'malformed complete'],
    ['R-128', 'error', (s: Subscriber<number>) => s.error('late'), 'malformed error late'],
  ])('%s reports a %s after either end, and drops it', (_id, _what, signal, expected) => {
    for (const end of ['complete', 'error'] as const) {
      const log: unknown[] = [];
      const received: unknown[] = [];
      let source: Subscriber<number> | undefined;
      new Observable<number>((subscriber) => {
        source = subscriber;
      })
        .pipe(tapSignals(() => logging(log)))
        .subscribe(consumer(received));
      if (end === 'complete') source?.complete();
      else source?.error('end');
      const delivered = received.length;
      if (source !== undefined) signal(source);
      expect(log.slice(-2)).toEqual([`finally ${end}`, expected]);
      expect(received).toHaveLength(delivered);
    }
  });

  it('R-129 gives the error of a failing factory to the subscriber', () => {
    const failure = new Error('factory');
    const log: unknown[] = [];
    let subscribed = false;
    const source = new Observable(() => {
      subscribed = true;
    });
    const factory = () => {
      throw failure;
    };
    expect(() => source.pipe(tapSignals(factory)).subscribe(consumer(log))).not.toThrow();
    expect(log).toEqual([failure]);
    expect(subscribed).toBe(false);
  });

  it('R-130 wraps the error of a failing scope, and calls nothing else', () => {
    const cause = new Error('scope');
    const log: unknown[] = [];
    const received: unknown[] = [];
    const openScope = () => {
      throw cause;
    };
    of(1)
      .pipe(tapSignals(() => logging(log, { openScope })))
      .subscribe(consumer(received));
    const wrapped = new Error('the signal listener could not open its scope', { cause });
    expect(log).toEqual(['first', wrapped]);
    expect(received).toEqual([wrapped]);
    expect((received[0] as Error).cause).toBe(cause);
  });

  it('R-131 calls nothing else when first fails', () => {
    const failure = new Error('first');
    const log: unknown[] = [];
    const received: unknown[] = [];
    const doFirst = () => {
      throw failure;
    };
    of(1)
      .pipe(tapSignals(() => logging(log, { doFirst })))
      .subscribe(consumer(received));
    expect(log).toEqual([failure]);
    expect(received).toEqual([failure]);
  });

  it.each(['doOnSubscription', 'doOnNext', 'doOnComplete'] as const)(
    'ends the subscription with the error of a failing %s and cancels the source',
    (method) => {
      const failure = new Error(method);
      const log: unknown[] = [];
      const received: unknown[] = [];
      let torndown = false;
      const source = new Observable<number>((subscriber) => {
        subscriber.add(() => {
          torndown = true;
        });
        subscriber.next(1);
        subscriber.next(2);
        subscriber.complete();
      });
      const own = {
        [method]: () => {
          throw failure;
        },
      };
      source.pipe(tapSignals(() => logging(log, own))).subscribe(consumer(received));
      expect(log.filter((entry) => entry instanceof Error)).toEqual([failure]);
      expect(log).not.toContain('finally complete');
      expect(received.at(-1)).toBe(failure);
      expect(torndown).toBe(method !== 'doOnSubscription');
    },
  );

  it('joins the error of a failing doOnError with the original', () => {
    const failure = new Error('listener');
    const received: unknown[] = [];
    const doOnError = () => {
      throw failure;
    };
    throwError(() => 'original')
      .pipe(tapSignals(() => ({ doOnError, handleListenerError: () => {} })))
      .subscribe(consumer(received));
    expect(received).toHaveLength(1);
    expect(received[0]).toBeInstanceOf(AggregateError);
    expect((received[0] as AggregateError).errors).toEqual([failure, 'original']);
  });

  it('only logs what fails after the end', () => {
    const error = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => error.mockRestore());
    const failing = (what: string) => () => {
      throw new Error(what);
    };
    const received: unknown[] = [];
    EMPTY.pipe(tapSignals(() => ({ doAfterComplete: failing('after') }))).subscribe(consumer(received));
    NEVER.pipe(tapSignals(() => ({ doOnCancel: failing('cancel'), doFinally: failing('finally') })))
      .subscribe(consumer(received))
      .unsubscribe();
    EMPTY.pipe(tapSignals(() => ({ doFinally: failing('end'), handleListenerError: failing('handler') }))).subscribe(
      consumer(received),
    );
    expect(received).toEqual(['> complete', '> complete']);
    expect(error.mock.calls.map(([, failure]) => (failure as Error).message)).toEqual([
      'after',
      'cancel',
      'finally',
      'handler',
    ]);
  });
});
