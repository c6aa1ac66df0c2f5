import {
  animationFrameScheduler,
  asapScheduler,
  asyncScheduler,
  interval,
  NEVER,
  of,
  queueScheduler,
  range,
  type SchedulerAction,
  type SchedulerLike,
  Subject,
  Subscription,
  scheduled,
  timer,
  VirtualAction,
  VirtualTimeScheduler,
} from 'rxjs';
import { concatMap, delay, ignoreElements, observeOn, take, timeout } from 'rxjs/operators';
import { TestScheduler } from 'rxjs/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { simpleRegistry, type TimedSchedulerOptions, timedScheduler } from '../../src/index.js';
import { clockFrom } from '../../src/testing.js';
import { distribution, running, tasks } from '../readings.js';
import { collectUncaught } from '../uncaught.js';

const MS = 1e6;

/** A timed scheduler on virtual time, whose meters run on that time too. */
function virtual(options: TimedSchedulerOptions = {}) {
  const original = new VirtualTimeScheduler(VirtualAction);
  const registry = simpleRegistry(clockFrom(original));
  const scheduler = timedScheduler(original, registry, 'p', {}, options);
  return { original, registry, scheduler, tasks: () => tasks(registry, 'p') };
}

function timedOn(original: SchedulerLike) {
  const registry = simpleRegistry();
  return { registry, scheduler: timedScheduler(original, registry, 'p'), tasks: () => tasks(registry, 'p') };
}

const pendingOf = (registry: ReturnType<typeof simpleRegistry>) => running(registry, 'p.scheduler.tasks.pending');
const activeOf = (registry: ReturnType<typeof simpleRegistry>) => running(registry, 'p.scheduler.tasks.active');

/** Resolves after all tasks that are due now on the real schedulers. */
const nextTurn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

describe('timedScheduler', () => {
  it('R-3 stands in for any scheduler', async () => {
    for (const original of [asyncScheduler, asapScheduler, queueScheduler]) {
      const { scheduler, tasks } = timedOn(original);
      const values: number[] = [];
      await new Promise<void>((complete) => {
        scheduled([1, 2, 3], scheduler).subscribe({ next: (value) => values.push(value), complete });
      });
      expect(values).toEqual([1, 2, 3]);
      expect(tasks().completed).toBe(4);
    }
  });

  it('R-4 R-5 R-34 prefixes its meters and puts the tags on all of them', () => {
    const registry = simpleRegistry();
    timedScheduler(queueScheduler, registry, 'testingMetrics', { additionalTag: 'yes' });
    expect(registry.find('testingMetrics.scheduler.tasks.completed')?.kind).toBe('timer');
    expect(registry.meters().every((meter) => meter.tags.get('additionalTag') === 'yes')).toBe(true);
    const direct = registry.find('testingMetrics.scheduler.tasks.submitted', { 'submission.type': 'direct' });
    expect([...(direct?.tags ?? [])]).toEqual([
      ['additionalTag', 'yes'],
      ['submission.type', 'direct'],
    ]);
  });

  it('R-5 overrides the tag submission.type on the counters only', () => {
    const registry = simpleRegistry();
    timedScheduler(queueScheduler, registry, 'p', [['submission.type', 'mine']]);
    const values = registry.meters().map((meter) => meter.tags.get('submission.type'));
    expect(values).toEqual(['direct', 'delayed', 'periodic_initial', 'periodic_iteration', 'mine', 'mine', 'mine']);
  });

  it('R-6 measures only what is submitted through it', () => {
    const { scheduler, original, tasks } = virtual();
    original.schedule(() => {});
    scheduler.schedule(() => {});
    original.flush();
    expect(tasks()).toMatchObject({ direct: 1, completed: 1 });
  });

  it('R-24 shows each run as active, of every kind, while it runs', () => {
    const { scheduler, original, registry } = virtual();
    const seen: number[] = [];
    const look = () => seen.push(activeOf(registry));
    scheduler.schedule(look);
    scheduler.schedule(look, 5);
    const repeating = scheduler.schedulePeriodically(
      () => {
        look();
        if (seen.length === 4) repeating.unsubscribe();
      },
      10,
      10,
    );
    original.flush();
    expect(seen).toEqual([1, 1, 1, 1]);
    expect(activeOf(registry)).toBe(0);
  });

  it('R-25 counts a run as completed while it still is active', () => {
    let activeAtRecord = -1;
    const plain = simpleRegistry();
    const registry = {
      ...plain,
      clock: plain.clock,
      counter: plain.counter.bind(plain),
      summary: plain.summary.bind(plain),
      longTaskTimer: plain.longTaskTimer.bind(plain),
      timer: () => ({ record: () => (activeAtRecord = activeOf(plain)) }),
    };
    timedScheduler(queueScheduler, registry, 'p').schedule(() => {});
    expect(activeAtRecord).toBe(1);
    expect(activeOf(plain)).toBe(0);
  });

  it('R-26 shows waiting tasks as pending, delayed ones for their whole delay', () => {
    const { scheduler, original, registry } = virtual();
    scheduler.schedule(() => {});
    scheduler.schedule(() => {}, 10);
    scheduler.schedulePeriodically(() => {}, 1, 1).unsubscribe();
    expect(pendingOf(registry)).toBe(2);
    original.maxFrames = 5;
    original.flush();
    expect(pendingOf(registry)).toBe(1);
    original.maxFrames = 10;
    original.flush();
    expect(pendingOf(registry)).toBe(0);
  });

  it('R-26 counts only tasks without delay as pending when asked to', () => {
    const { scheduler, registry } = virtual({ pending: 'immediate' });
    scheduler.schedule(() => {});
    scheduler.schedule(() => {}, 10);
    expect(pendingOf(registry)).toBe(1);
    expect(() => virtual({ pending: 'some' as never })).toThrow(/'all' or 'immediate', got some/);
  });

  it('R-27 counts as many submissions as completed, refused and cancelled tasks together', () => {
    const { scheduler, original, tasks } = virtual();
    scheduler.schedule(() => {});
    scheduler.schedule(() => {}, 5).unsubscribe();
    const repeating = scheduler.schedulePeriodically(() => {}, 1, 1);
    original.maxFrames = 3;
    original.flush();
    repeating.unsubscribe();
    scheduler.dispose();
    expect(() => scheduler.schedule(() => {})).toThrow();
    const { direct, delayed, initial, iteration, completed } = tasks();
    const [cancelled, refused] = [1, 1];
    expect(direct + delayed + initial + iteration).toBe(completed + cancelled + refused);
  });

  it('R-28 counts an iteration when it starts, not when it is armed', () => {
    const { scheduler, original, tasks } = virtual();
    const repeating = scheduler.schedulePeriodically(() => {}, 1, 1);
    expect(tasks()).toMatchObject({ initial: 1, iteration: 0 });
    original.maxFrames = 1;
    original.flush();
    expect(tasks()).toMatchObject({ initial: 1, iteration: 0, completed: 1 });
    original.maxFrames = 2;
    original.flush();
    expect(tasks()).toMatchObject({ initial: 1, iteration: 1, completed: 2 });
    repeating.unsubscribe();
    original.maxFrames = 9;
    original.flush();
    expect(tasks()).toMatchObject({ iteration: 1, completed: 2 });
  });

  it('R-102 R-103 separates the prefix by one dot', () => {
    const plain = simpleRegistry();
    const dotted = simpleRegistry();
    timedScheduler(queueScheduler, plain, 'p');
    timedScheduler(queueScheduler, dotted, 'p.');
    expect(plain.meters().every((meter) => meter.name.startsWith('p.scheduler.tasks.'))).toBe(true);
    expect(dotted.meters().map((meter) => meter.name)).toEqual(plain.meters().map((meter) => meter.name));
    expect(() => timedScheduler(queueScheduler, plain, '')).toThrow(TypeError);
    expect(() => timedScheduler(queueScheduler, plain, '.')).toThrow(TypeError);
    expect(() => timedScheduler({} as never, plain, 'p')).toThrow('timedScheduler needs a scheduler to wrap');
    expect(() => timedScheduler(queueScheduler, undefined as never, 'p')).toThrow(/needs a MeterRegistry/);
  });

  it('R-104 registers exactly seven meters at zero, four of them one counter', () => {
    const { registry, tasks } = virtual();
    expect(registry.meters()).toHaveLength(7);
    expect(registry.meters().filter((meter) => meter.name === 'p.scheduler.tasks.submitted')).toHaveLength(4);
    expect(tasks()).toEqual({ direct: 0, delayed: 0, initial: 0, iteration: 0, completed: 0, pending: 0 });
  });

  it('R-105 leaves nothing pending after many short chains with a timeout', async () => {
    const { scheduler, registry } = timedOn(asyncScheduler);
    const chains = 500_000;
    await new Promise<void>((complete, error) => {
      range(0, chains)
        .pipe(
          concatMap((value) => of(value).pipe(timeout({ each: 60_000, scheduler }))),
          ignoreElements(),
        )
        .subscribe({ complete, error });
    });
    expect(pendingOf(registry)).toBe(0);
    expect(tasks(registry, 'p').delayed).toBeGreaterThanOrEqual(chains);
  });

  it('R-106 leaves nothing pending when a worker is unsubscribed by its running task', () => {
    const { scheduler, original, registry, tasks } = virtual();
    const worker = scheduler.createWorker();
    worker.schedule(() => worker.unsubscribe());
    worker.schedule(() => {});
    expect(pendingOf(registry)).toBe(2);
    original.flush();
    expect(tasks()).toMatchObject({ direct: 2, completed: 1, pending: 0 });
    expect(worker.closed).toBe(true);
  });

  it('R-107 ages pending and active tasks side by side', () => {
    let now = 0;
    const registry = simpleRegistry({ now: () => now });
    const original = new VirtualTimeScheduler(VirtualAction);
    const scheduler = timedScheduler(original, registry, 'p');
    const ages: number[] = [];
    scheduler.schedule(() => {
      now += 2000 * MS;
      for (const name of ['pending', 'active']) {
        const meter = registry.find(`p.scheduler.tasks.${name}`);
        if (meter?.kind === 'longTaskTimer') ages.push(meter.cell.duration / MS);
      }
    });
    scheduler.schedule(() => {
      now += 1000 * MS;
    });
    original.flush();
    expect(ages).toEqual([2000, 2000]);
    expect([pendingOf(registry), activeOf(registry)]).toEqual([0, 0]);
    expect(distribution(registry, 'p.scheduler.tasks.completed')).toMatchObject({ count: 2, total: 3000 * MS });
  });

  it('R-108 times three runs of periodic work', () => {
    let now = 0;
    const registry = simpleRegistry({ now: () => now });
    const original = new VirtualTimeScheduler(VirtualAction);
    const scheduler = timedScheduler(original, registry, 'p');
    let runs = 0;
    const repeating = scheduler.schedulePeriodically(
      () => {
        now += 500 * MS;
        runs += 1;
        if (runs === 3) repeating.unsubscribe();
      },
      100,
      100,
    );
    original.flush();
    expect(tasks(registry, 'p')).toEqual({ direct: 0, delayed: 0, initial: 1, iteration: 2, completed: 3, pending: 0 });
    expect(distribution(registry, 'p.scheduler.tasks.completed').total).toBe(1500 * MS);
  });

  it.each([
    ['R-109', 0, { direct: 1, delayed: 0 }],
    ['R-109', -5, { direct: 1, delayed: 0 }],
    ['R-110', 10, { direct: 0, delayed: 1 }],
    ['R-110', Number.POSITIVE_INFINITY, { direct: 0, delayed: 1 }],
  ])('%s counts a task with delay %s at its submission', (_id, wait, expected) => {
    const { scheduler, tasks } = virtual();
    scheduler.schedule(() => {}, wait);
    expect(tasks()).toMatchObject({ ...expected, initial: 0, iteration: 0, completed: 0 });
  });

  it.each(['R-111', 'R-115'])('%s counts five runs of periodic work as one submission and four iterations', (id) => {
    const { scheduler, original, tasks } = virtual();
    const target = id === 'R-111' ? scheduler : scheduler.createWorker();
    let runs = 0;
    const repeating = target.schedulePeriodically(
      () => {
        runs += 1;
        if (runs === 5) repeating.unsubscribe();
      },
      1,
      1,
    );
    original.flush();
    expect(tasks()).toEqual({ direct: 0, delayed: 0, initial: 1, iteration: 4, completed: 5, pending: 0 });
  });

  it('R-112 takes a worker of an original that has workers', () => {
    const registry = simpleRegistry();
    const inner = timedScheduler(new VirtualTimeScheduler(VirtualAction), registry, 'inner');
    const worker = timedScheduler(inner, registry, 'outer').createWorker();
    worker.schedule(() => {}, 5);
    expect(running(registry, 'inner.scheduler.tasks.pending')).toBe(1);
    inner.schedule(() => {}, 5);
    worker.unsubscribe();
    expect(running(registry, 'outer.scheduler.tasks.pending')).toBe(0);
    expect(running(registry, 'inner.scheduler.tasks.pending')).toBe(1);
  });

  it.each([
    ['R-113', 0, { direct: 1, delayed: 0 }],
    ['R-114', 10, { direct: 0, delayed: 1 }],
  ])('%s counts a task of a worker with delay %s', (_id, wait, expected) => {
    const { scheduler, original, tasks } = virtual();
    scheduler.createWorker().schedule(() => {}, wait);
    expect(tasks()).toMatchObject({ ...expected, initial: 0, pending: 1 });
    original.flush();
    expect(tasks()).toMatchObject({ ...expected, completed: 1, pending: 0 });
  });

  it.each(['R-116', 'R-117'])('%s passes a refusal on and takes it off pending again', (id) => {
    const refusal = new Error('no room');
    const original: SchedulerLike = {
      now: () => 0,
      schedule: () => {
        throw refusal;
      },
    };
    const { scheduler, tasks } = timedOn(original);
    const target = id === 'R-116' ? scheduler : scheduler.createWorker();
    expect(() => target.schedule(() => {})).toThrow(refusal);
    expect(() => target.schedule(() => {}, 10)).toThrow(refusal);
    expect(() => target.schedulePeriodically(() => {}, 1, 1)).toThrow(refusal);
    expect(tasks()).toEqual({ direct: 1, delayed: 1, initial: 1, iteration: 0, completed: 0, pending: 0 });
  });

  it.each([
    ['R-118', 0],
    ['R-119', 0],
    ['R-120', 1e9],
    ['R-121', 1e9],
  ])('%s takes a cancelled task with delay %s off pending at once', (id, wait) => {
    const { scheduler, original, registry } = virtual();
    const target = id === 'R-118' || id === 'R-120' ? scheduler : scheduler.createWorker();
    const seen: number[][] = [];
    target.schedule(() => {
      const waiting = target.schedule(() => seen.push([]), wait);
      seen.push([pendingOf(registry), activeOf(registry)]);
      waiting.unsubscribe();
      waiting.unsubscribe();
      seen.push([pendingOf(registry), activeOf(registry)]);
    });
    original.flush();
    expect(seen).toEqual([
      [1, 1],
      [0, 1],
    ]);
  });

  it('D-4 dispose cancels all tasks, those of workers too, and refuses later ones', () => {
    const { scheduler, original, registry, tasks } = virtual();
    let runs = 0;
    const count = () => {
      runs += 1;
    };
    scheduler.schedule(count, 5);
    const worker = scheduler.createWorker();
    worker.schedule(count, 5);
    scheduler.schedulePeriodically(count, 1, 1);
    original.maxFrames = 3;
    original.flush();
    expect(runs).toBe(3);
    scheduler.dispose();
    expect(scheduler.disposed).toBe(true);
    expect(worker.closed).toBe(true);
    expect(scheduler.createWorker().closed).toBe(true);
    original.maxFrames = 100;
    original.flush();
    expect(runs).toBe(3);
    expect(pendingOf(registry)).toBe(0);
    expect(() => scheduler.schedule(count)).toThrow('the timed scheduler "p" is disposed and takes no more tasks');
    expect(() => worker.schedule(count)).toThrow('a worker of "p" is disposed and takes no more tasks');
    expect(tasks()).toMatchObject({ direct: 2, pending: 0 });
  });

  it('D-4 dispose keeps no timer alive, even for a task that repeats', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { scheduler } = timedOn(asyncScheduler);
    scheduler.schedule(function () {
      this.schedule(undefined, 3_600_000);
    }, 1);
    vi.advanceTimersByTime(1);
    expect(vi.getTimerCount()).toBe(1);
    scheduler.dispose();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('D-4 dispose from within a task that re-arms keeps no timer alive', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { scheduler } = timedOn(queueScheduler);
    scheduler.schedule(function () {
      this.schedule(undefined, 1000);
      scheduler.dispose();
    });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('D-4 stops a repeating task at its next run where the scheduler hides what it armed', () => {
    const armed: (() => void)[] = [];
    const original: SchedulerLike = {
      now: () => 0,
      schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void) {
        const action = new Subscription() as SchedulerAction<T>;
        action.schedule = () => {
          armed.push(() => work.call(action));
          return action;
        };
        return action.schedule();
      },
    };
    const { scheduler } = timedOn(original);
    let runs = 0;
    scheduler.schedule(function () {
      runs += 1;
      this.schedule();
    });
    armed.shift()?.();
    scheduler.dispose();
    armed.shift()?.();
    expect(runs).toBe(1);
    expect(armed).toHaveLength(0);
  });
});

describe('reference counts', () => {
  /** Counts, the peak of pending while `use` runs, and pending at the end. */
  function measured(use: (scheduler: SchedulerLike) => unknown) {
    const { scheduler, original, tasks } = virtual();
    let peak = 0;
    const watched: SchedulerLike = {
      now: () => scheduler.now(),
      schedule(work: never, wait?: number, state?: never) {
        const subscription = scheduler.schedule(work, wait, state);
        peak = Math.max(peak, tasks().pending);
        return subscription;
      },
    };
    use(watched);
    original.flush();
    const { direct, delayed, iteration, completed, pending } = tasks();
    return [direct, delayed, iteration, completed, peak, pending];
  }

  const oneValueWithTimeout = (s: SchedulerLike) => {
    const source = new Subject<number>();
    source.pipe(timeout({ each: 1000, scheduler: s })).subscribe();
    source.next(1);
    source.complete();
  };

  it.each([
    ['interval and take(3)', (s: SchedulerLike) => interval(5, s).pipe(take(3)).subscribe(), [0, 1, 2, 3, 1, 0]],
    ['timer', (s: SchedulerLike) => timer(5, s).subscribe(), [0, 1, 0, 1, 1, 0]],
    ['scheduled', (s: SchedulerLike) => scheduled([1, 2, 3], s).subscribe(), [1, 0, 3, 4, 1, 0]],
    ['observeOn', (s: SchedulerLike) => range(1, 3).pipe(observeOn(s)).subscribe(), [4, 0, 0, 4, 4, 0]],
    ['delay', (s: SchedulerLike) => range(1, 3).pipe(delay(5, s)).subscribe(), [0, 3, 0, 3, 3, 0]],
    ['timeout that is never hit', oneValueWithTimeout, [0, 2, 0, 0, 1, 0]],
    [
      'timer that never fires',
      (s: SchedulerLike) => timer(Number.POSITIVE_INFINITY, s).subscribe(),
      [0, 1, 0, 0, 0, 0],
    ],
  ])('R-27 of %s on virtual time', (_what, use, expected) => {
    expect(measured(use)).toEqual(expected);
  });

  it('R-27 of interval and take(3) on async', async () => {
    const { scheduler, tasks } = timedOn(asyncScheduler);
    await new Promise<void>((complete) => interval(2, scheduler).pipe(take(3)).subscribe({ complete }));
    expect(tasks()).toEqual({ direct: 0, delayed: 1, initial: 0, iteration: 2, completed: 3, pending: 0 });
  });

  it('R-28 of interval on the periodic view', () => {
    const { scheduler, original, tasks } = virtual();
    interval(5, scheduler.periodic).pipe(take(3)).subscribe();
    expect(tasks()).toMatchObject({ initial: 1, pending: 0 });
    original.flush();
    expect(tasks()).toEqual({ direct: 0, delayed: 0, initial: 1, iteration: 2, completed: 3, pending: 0 });
    expect(scheduler.periodic.now()).toBe(original.now());
  });

  it('R-27 of a queue task that schedules two more', () => {
    const { scheduler, registry, tasks } = timedOn(queueScheduler);
    let peak = 0;
    scheduler.schedule(() => {
      scheduler.schedule(() => {});
      scheduler.schedule(() => {});
      peak = pendingOf(registry);
    });
    expect(tasks()).toEqual({ direct: 3, delayed: 0, initial: 0, iteration: 0, completed: 3, pending: 0 });
    expect(peak).toBe(2);
  });
});

describe('traps of RxJS schedulers', () => {
  it('S-11 clears the pending siblings of a task that throws on asap', async () => {
    const { scheduler, registry, tasks } = timedOn(asapScheduler);
    const uncaught = collectUncaught();
    let ran = 0;
    scheduler.schedule(() => {
      throw new Error('task');
    });
    scheduler.schedule(() => {
      ran += 1;
    });
    expect(pendingOf(registry)).toBe(2);
    expect(await uncaught(1)).toEqual([new Error('task')]);
    await nextTurn();
    expect(ran).toBe(0);
    expect(tasks()).toMatchObject({ direct: 2, completed: 1, pending: 0 });
    expect(activeOf(registry)).toBe(0);
  });

  it('S-11 lets a throw out of queue after the run was counted, and no refusal', () => {
    const { scheduler, tasks } = timedOn(queueScheduler);
    const failure = new Error('task');
    const run = () =>
      scheduler.schedule(() => {
        scheduler.schedule(() => {});
        throw failure;
      });
    expect(run).toThrow(failure);
    expect(tasks()).toMatchObject({ direct: 2, completed: 1, pending: 0 });
  });

  it('S-7 counts a refusal of animationFrame where there are no frames', () => {
    const { scheduler, tasks } = timedOn(animationFrameScheduler);
    expect(() => scheduler.schedule(() => {})).toThrow(/requestAnimationFrame/);
    expect(tasks()).toMatchObject({ direct: 1, completed: 0, pending: 0 });
    // RxJS keeps the refused action; take it out for the tests after this one.
    (animationFrameScheduler as unknown as { actions: unknown[] }).actions.length = 0;
  });

  it('hands the original action to the work and keeps one timer for an interval', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const set = vi.spyOn(globalThis, 'setInterval');
    onTestFinished(() => set.mockRestore());
    const { scheduler } = timedOn(asyncScheduler);
    interval(5, scheduler).pipe(take(5)).subscribe();
    vi.advanceTimersByTime(25);
    expect(set).toHaveBeenCalledTimes(1);
    const actions = new Set<unknown>();
    const onVirtual = virtual();
    onVirtual.scheduler.schedule(function () {
      actions.add(this);
      if (actions.size < 3) this.schedule(undefined, 1);
    }, 1);
    onVirtual.original.flush();
    expect(actions.size).toBe(3);
    expect(onVirtual.tasks()).toMatchObject({ delayed: 1, iteration: 2, completed: 3 });
  });

  it('passes state and now through', () => {
    const { scheduler, original } = virtual();
    const states: unknown[] = [];
    scheduler.schedule<number>(
      function (state) {
        states.push(state, original.now() === scheduler.now());
        if (states.length < 4) this.schedule((state ?? 0) + 1, 1);
      },
      1,
      7,
    );
    original.flush();
    expect(states).toEqual([7, true, 8, true]);
  });

  it('forgets finished tasks though RxJS never closes their actions', () => {
    const { scheduler, original } = virtual();
    const group = (scheduler as unknown as { tasks: { outstanding: { size: number } } }).tasks;
    for (let i = 0; i < 10; i += 1) scheduler.schedule(() => {}, i);
    expect(group.outstanding.size).toBe(10);
    original.flush();
    expect(group.outstanding.size).toBe(0);
  });

  it('counts a task that is re-armed from outside before its first run once', () => {
    const { scheduler, original, tasks } = virtual();
    const action = scheduler.schedule(() => {}, 5) as unknown as SchedulerAction<undefined>;
    action.schedule(undefined, 8);
    original.flush();
    expect(tasks()).toMatchObject({ delayed: 1, completed: 1, pending: 0 });
  });

  it('measures marble tests on their own time', () => {
    const marbles = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    const registry = simpleRegistry(clockFrom(marbles));
    const scheduler = timedScheduler(marbles, registry, 'p');
    marbles.run(({ expectObservable }) => {
      expectObservable(NEVER.pipe(timeout({ first: 3, with: () => of('x'), scheduler }))).toBe('---(x|)');
    });
    expect(tasks(registry, 'p')).toMatchObject({ delayed: 1, completed: 1, pending: 0 });
  });

  it('D-3 runs tasks though the meters fail', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const failing = () => {
      throw new Error('registry down');
    };
    const registry = {
      clock: { now: () => 0 },
      counter: () => ({ increment: failing }),
      timer: () => ({ record: failing }),
      summary: () => ({ record: failing }),
      longTaskTimer: () => ({ start: failing }),
    };
    let runs = 0;
    const scheduler = timedScheduler(queueScheduler, registry, 'p');
    scheduler.schedule(function () {
      runs += 1;
      if (runs < 2) this.schedule();
    });
    expect(runs).toBe(2);
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
