import type { SchedulerAction, SchedulerLike, Subscription } from 'rxjs';
import type { MeterRegistry } from '../meters/meter-registry.js';
import { assertName } from '../stream/identity.js';
import type { TagsInput } from '../tags.js';
import { TaskGroup } from './task-group.js';
import { type PendingScope, TaskMeters } from './task-meters.js';

/** Options of {@link timedScheduler}. */
export interface TimedSchedulerOptions {
  /** Which waiting tasks `pending` covers: `all` (default) but periodic ones, or only those submitted without delay. */
  readonly pending?: PendingScope;
}

/** Tasks that are cancelled together. */
export interface TimedWorker extends SchedulerLike {
  /** Runs `work` after `initialDelay` and then every `period` milliseconds. */
  schedulePeriodically(work: () => void, initialDelay: number, period: number): Subscription;
  /** Cancels the tasks of this worker; later submissions throw. */
  unsubscribe(): void;
  readonly closed: boolean;
}

/** A scheduler that measures the tasks given to it, and only those. */
export interface TimedScheduler extends SchedulerLike {
  /**
   * The same scheduler for work that repeats: RxJS does not say so when it submits, so without this view
   * `interval` counts as one delayed task.
   */
  readonly periodic: SchedulerLike;
  /** Runs `work` after `initialDelay` and then every `period` milliseconds, until unsubscribed or `work` throws. */
  schedulePeriodically(work: () => void, initialDelay: number, period: number): Subscription;
  createWorker(): TimedWorker;
  /** Cancels every outstanding task, those of workers too; later submissions throw. The original goes on. */
  dispose(): void;
  readonly disposed: boolean;
}

/**
 * Wraps `original` and registers seven meters under `<prefix>.scheduler.tasks`; it can stand in for the original
 * anywhere.
 * @param prefix not empty; one trailing dot is dropped
 * @param tags on all seven meters
 * @throws TypeError for an empty prefix or a bad tag, and whatever the registry throws when it refuses a meter
 */
export function timedScheduler(
  original: SchedulerLike,
  registry: MeterRegistry,
  prefix: string,
  tags: TagsInput = [],
  options: TimedSchedulerOptions = {},
): TimedScheduler {
  if (typeof original?.schedule !== 'function') throw new TypeError('timedScheduler needs a scheduler to wrap');
  if (registry === undefined || registry === null) throw new TypeError('timedScheduler needs a MeterRegistry');
  const { pending = 'all' } = options;
  if (pending !== 'all' && pending !== 'immediate') {
    throw new TypeError(`the option pending must be 'all' or 'immediate', got ${String(pending)}`);
  }
  assertName('the prefix of a timed scheduler', prefix);
  const base = prefix.endsWith('.') ? prefix.slice(0, -1) : prefix;
  assertName('the prefix of a timed scheduler without its dot', base);
  return new WrappedScheduler(original, new TaskMeters(registry, base, tags, pending), base);
}

type Work<T> = (this: SchedulerAction<T>, state?: T) => void;

class WrappedScheduler implements TimedScheduler {
  readonly periodic: SchedulerLike;
  private readonly tasks: TaskGroup;
  private readonly workers = new Set<Worker>();

  constructor(
    private readonly original: SchedulerLike,
    private readonly meters: TaskMeters,
    private readonly prefix: string,
  ) {
    this.tasks = new TaskGroup(original, meters, `the timed scheduler "${prefix}"`);
    const { tasks } = this;
    this.periodic = {
      now: () => tasks.now(),
      schedule: <T>(work: Work<T>, delay = 0, state?: T) => tasks.submit('periodic_initial', work, delay, state),
    };
  }

  now(): number {
    return this.tasks.now();
  }

  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return this.tasks.submit(kindOf(delay), work, delay, state);
  }

  schedulePeriodically(work: () => void, initialDelay: number, period: number): Subscription {
    return this.tasks.submitPeriodically(work, initialDelay, period);
  }

  createWorker(): TimedWorker {
    const worker = new Worker(this.original, this.meters, `a worker of "${this.prefix}"`, () =>
      this.workers.delete(worker),
    );
    if (this.disposed) worker.unsubscribe();
    else this.workers.add(worker);
    return worker;
  }

  dispose(): void {
    this.tasks.close();
    for (const worker of [...this.workers]) worker.unsubscribe();
  }

  get disposed(): boolean {
    return this.tasks.closed;
  }
}

class Worker implements TimedWorker {
  private readonly tasks: TaskGroup;
  private readonly inner: Partial<TimedWorker> | undefined;

  constructor(
    original: SchedulerLike & Partial<Pick<TimedScheduler, 'createWorker'>>,
    meters: TaskMeters,
    what: string,
    private readonly onClose: () => void,
  ) {
    // A scheduler that has workers, such as another timed one, shall see that these tasks belong together.
    const inner = original.createWorker?.();
    this.inner = inner;
    this.tasks = new TaskGroup(inner ?? original, meters, what);
  }

  now(): number {
    return this.tasks.now();
  }

  schedule<T>(work: Work<T>, delay = 0, state?: T): Subscription {
    return this.tasks.submit(kindOf(delay), work, delay, state);
  }

  schedulePeriodically(work: () => void, initialDelay: number, period: number): Subscription {
    return this.tasks.submitPeriodically(work, initialDelay, period);
  }

  unsubscribe(): void {
    this.tasks.close();
    this.inner?.unsubscribe?.();
    this.onClose();
  }

  get closed(): boolean {
    return this.tasks.closed;
  }
}

function kindOf(delay: number): 'direct' | 'delayed' {
  return delay > 0 ? 'delayed' : 'direct';
}
