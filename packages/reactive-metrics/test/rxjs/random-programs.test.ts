import fc from 'fast-check';
import { Observable, type Subscriber, Subscription, VirtualAction, VirtualTimeScheduler } from 'rxjs';
import { map, mergeMap, repeat, retry, share, take } from 'rxjs/operators';
import { describe, expect, it } from 'vitest';
import { metrics, simpleRegistry, timedScheduler } from '../../src/index.js';
import { clockFrom } from '../../src/testing.js';
import { counted, distribution, flows, tasks } from '../readings.js';

const SEED = 20_261_122;

type Signal = 'next' | 'error' | 'complete';
type Consumer = 'plain' | 'take' | 'retry' | 'repeat' | 'share' | 'throwing' | 'nested' | 'closed';
type Step =
  | {
      readonly do: 'subscribe';
      readonly as: Consumer;
      readonly sync: readonly Signal[];
      readonly during: readonly Step[];
    }
  | { readonly do: 'signal'; readonly which: number; readonly signal: Signal }
  | { readonly do: 'unsubscribe'; readonly which: number };

const signal = fc.constantFrom<Signal>('next', 'next', 'next', 'error', 'complete');
const leaf: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('signal' as const), which: fc.nat(5), signal }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unsubscribe' as const), which: fc.nat(5) }) },
);
const subscribing = (during: fc.Arbitrary<readonly Step[]>): fc.Arbitrary<Step> =>
  fc.record({
    do: fc.constant('subscribe' as const),
    as: fc.constantFrom<Consumer>('plain', 'take', 'retry', 'repeat', 'share', 'throwing', 'nested', 'closed'),
    sync: fc.array(signal, { maxLength: 3 }),
    during,
  });
// What a consumer does from within its callbacks may itself subscribe, one level deep.
const inner = fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 1, arbitrary: subscribing(fc.constant([])) });
const step = fc.oneof(
  { weight: 3, arbitrary: subscribing(fc.array(inner, { maxLength: 3 })) },
  { weight: 5, arbitrary: leaf },
);

/** What the source of a program knows of itself, without any tap: the oracle. */
class Sources {
  private readonly connections: {
    subscriber: Subscriber<number>;
    state: 'live' | 'ended' | 'cancelled';
    values: number;
  }[] = [];
  values = 0;
  malformed = 0;

  readonly stream = (sync: readonly Signal[]) =>
    new Observable<number>((subscriber) => {
      const connection = { subscriber, state: 'live' as 'live' | 'ended' | 'cancelled', values: 0 };
      this.connections.push(connection);
      subscriber.add(() => {
        if (connection.state === 'live') connection.state = 'cancelled';
      });
      for (const own of sync) this.emit(connection, own);
    });

  signal(which: number, own: Signal): void {
    const connection = this.connections[which % Math.max(1, this.connections.length)];
    if (connection !== undefined) this.emit(connection, own);
  }

  get subscribed(): number {
    return this.connections.length;
  }

  /** Flows not over yet: a Mono's is over at its value. */
  inFlight(type: 'Flux' | 'Mono'): number {
    return this.connections.filter(({ state, values }) => state === 'live' && (type === 'Flux' || values === 0)).length;
  }

  private emit(connection: (typeof this.connections)[number], own: Signal): void {
    const { state, subscriber } = connection;
    if (state === 'ended') this.malformed += 1;
    if (state === 'live') {
      if (own === 'next') {
        connection.values += 1;
        this.values += 1;
      } else connection.state = 'ended';
    }
    if (own === 'next') subscriber.next(connection.values);
    else if (own === 'complete') subscriber.complete();
    else subscriber.error(new RangeError('program'));
  }
}

/** Runs one program and compares the meters with the oracle after every step. */
function run(program: readonly Step[], type: 'Flux' | 'Mono'): void {
  const registry = simpleRegistry();
  const sources = new Sources();
  const subscriptions: Subscription[] = [];
  // A program may feed itself; a bound keeps every one finite.
  let fuel = 200;

  const consume = (measured: Observable<number>, as: Consumer): Observable<unknown> => {
    if (as === 'take') return measured.pipe(take(2));
    if (as === 'retry') return measured.pipe(retry(2));
    if (as === 'repeat') return measured.pipe(repeat(2));
    if (as === 'nested') return measured.pipe(mergeMap(() => (fuel-- > 0 ? measured.pipe(take(1)) : [])));
    if (as === 'throwing') return measured.pipe(map(failing));
    return measured;
  };

  const perform = (own: Step): void => {
    if (fuel-- <= 0) return;
    if (own.do === 'signal') sources.signal(own.which, own.signal);
    else if (own.do === 'unsubscribe') subscriptions[own.which % Math.max(1, subscriptions.length)]?.unsubscribe();
    else subscribe(own);
  };

  const subscribe = ({ as, sync, during }: Extract<Step, { do: 'subscribe' }>): void => {
    const measured = sources.stream(sync).pipe(metrics(registry, { type }));
    const rest = [...during];
    const react = () => {
      const next = rest.shift();
      if (next !== undefined) perform(next);
    };
    const observer = { next: react, error: react, complete: react };
    if (as === 'closed') {
      new Observable<number>((subscriber) => {
        subscriber.unsubscribe();
        measured.subscribe(subscriber);
      }).subscribe(observer);
      return;
    }
    const holder = new Subscription();
    subscriptions.push(holder);
    if (as === 'share') {
      const shared = measured.pipe(share());
      holder.add(shared.subscribe(observer));
      holder.add(shared.subscribe({ error: () => {} }));
      return;
    }
    holder.add(consume(measured, as).subscribe(observer));
  };

  const check = () => {
    const ended = Object.values(flows(registry)).reduce((sum, count) => sum + count, 0);
    expect(counted(registry, 'reactor.subscribed')).toBe(sources.subscribed);
    expect(counted(registry, 'reactor.subscribed')).toBe(ended + sources.inFlight(type));
    if (type === 'Flux' && sources.subscribed > 0) {
      expect(distribution(registry, 'reactor.onNext.delay').count).toBe(sources.values);
      expect(counted(registry, 'reactor.malformed.source')).toBe(sources.malformed);
    }
  };

  for (const own of program) {
    perform(own);
    check();
  }
  for (const subscription of subscriptions) subscription.unsubscribe();
  check();
  expect(sources.inFlight(type)).toBe(0);
}

function failing(): never {
  throw new Error('callback');
}

type Task =
  | { readonly do: 'schedule'; readonly delay: number; readonly repeats: number; readonly nested: readonly Task[] }
  | { readonly do: 'periodic'; readonly delay: number; readonly worker: boolean }
  | { readonly do: 'cancel'; readonly which: number }
  | { readonly do: 'advance'; readonly frames: number }
  | { readonly do: 'closeWorker' };

const scheduling = (nested: fc.Arbitrary<readonly Task[]>): fc.Arbitrary<Task> =>
  fc.record({ do: fc.constant('schedule' as const), delay: fc.nat(4), repeats: fc.nat(2), nested });
const task: fc.Arbitrary<Task> = fc.oneof(
  { weight: 4, arbitrary: scheduling(fc.array(scheduling(fc.constant([])), { maxLength: 2 })) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('periodic' as const), delay: fc.nat(4), worker: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), frames: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('closeWorker' as const) }) },
);

/** Runs one program of tasks; S-6 with the tasks that still wait on the right-hand side. */
function runTasks(program: readonly Task[]): void {
  const original = new VirtualTimeScheduler(VirtualAction, 0);
  const registry = simpleRegistry(clockFrom(original));
  const scheduler = timedScheduler(original, registry, 'p');
  const worker = scheduler.createWorker();
  const submitted: { subscription: Subscription; runs: number; periodic: boolean; state: 'open' | 'dropped' }[] = [];
  let refused = 0;

  const drop = (one: (typeof submitted)[number]) => {
    if (one.runs === 0) one.state = 'dropped';
    one.subscription.unsubscribe();
  };

  const perform = (own: Task): void => {
    if (own.do === 'schedule') {
      const entry = { subscription: new Subscription(), runs: 0, periodic: false, state: 'open' as 'open' | 'dropped' };
      submitted.push(entry);
      let left = own.repeats;
      entry.subscription = scheduler.schedule(function () {
        entry.runs += 1;
        if (entry.runs === 1) for (const nested of own.nested) perform(nested);
        if (left-- > 0) this.schedule(undefined, own.delay);
      }, own.delay);
    } else if (own.do === 'periodic') {
      const entry = { subscription: new Subscription(), runs: 0, periodic: true, state: 'open' as 'open' | 'dropped' };
      try {
        entry.subscription = (own.worker ? worker : scheduler).schedulePeriodically(
          () => {
            entry.runs += 1;
          },
          own.delay,
          own.delay + 1,
        );
        if (own.worker) ofWorker.push(entry);
        submitted.push(entry);
      } catch {
        refused += 1;
      }
    } else if (own.do === 'cancel') {
      const one = submitted[own.which % Math.max(1, submitted.length)];
      if (one !== undefined) drop(one);
    } else if (own.do === 'advance') {
      original.maxFrames += own.frames;
      original.flush();
    } else {
      worker.unsubscribe();
      for (const one of ofWorker) drop(one);
    }
  };
  const ofWorker: typeof submitted = [];

  for (const own of program) {
    perform(own);
    const { direct, delayed, initial, iteration, completed, pending } = tasks(registry, 'p');
    const waiting = submitted.filter((one) => one.state === 'open' && one.runs === 0);
    const dropped = submitted.filter((one) => one.state === 'dropped').length;
    expect(completed).toBe(submitted.reduce((sum, one) => sum + one.runs, 0));
    expect(direct + delayed + initial + iteration).toBe(completed + refused + dropped + waiting.length);
    expect(pending).toBe(waiting.filter((one) => !one.periodic).length);
  }
}

describe('random programs', () => {
  it.each(['Flux', 'Mono'] as const)('keep subscribed = ended + in flight after every step of a %s', (type) => {
    const programs = fc.array(step, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(programs, (program) => run(program, type)),
      { seed: SEED, numRuns: 2000 },
    );
  });

  it('keep submissions = completed + refused + cancelled + waiting after every step of a scheduler', () => {
    fc.assert(fc.property(fc.array(task, { minLength: 1, maxLength: 15 }), runTasks), { seed: SEED, numRuns: 2000 });
  });
});
