import type { SchedulerAction, Subscription, Unsubscribable } from 'rxjs';
import type { Linked, LinkedList } from '../meters/linked-list.js';
import type { LongTaskSample } from '../meters/meter-registry.js';
import type { SubmissionType, TaskMeters } from './task-meters.js';

/** One call of `schedule`, with all its runs. */
export class TimedTask implements Linked<TimedTask>, Unsubscribable {
  previous: TimedTask | undefined;
  next: TimedTask | undefined;
  /** What cancels the task; known once the original scheduler has accepted it. */
  subscription: Subscription | undefined;
  /** Whether a run may still come. */
  isOutstanding = true;
  private waiting: LongTaskSample | undefined;
  // Kept here and not on the action: a scheduler may make a new action for each run.
  private hasRun = false;

  constructor(
    private readonly meters: TaskMeters,
    private readonly outstanding: LinkedList<TimedTask>,
    type: SubmissionType,
  ) {
    this.waiting = meters.submit(type);
    outstanding.append(this);
  }

  /** Runs `work` with the original action as `this`: repeating work re-arms that one. */
  run<T>(action: SchedulerAction<T>, work: (this: SchedulerAction<T>, state?: T) => void, state?: T): void {
    if (this.hasRun) this.meters.repeat();
    this.hasRun = true;
    const { meters } = this;
    const startedAt = meters.begin(this.waiting);
    const active = startedAt === undefined ? undefined : meters.activate(startedAt);
    this.waiting = undefined;
    try {
      work.call(action, state);
    } finally {
      if (startedAt !== undefined) meters.end(startedAt, active);
      if (!isArmed(action)) this.unsubscribe();
    }
  }

  /**
   * No run is to come, as far as can be seen: the task was cancelled, refused or is done. Named so that the task can be
   * the teardown of its own subscription.
   */
  unsubscribe(): void {
    if (!this.isOutstanding) return;
    this.isOutstanding = false;
    this.outstanding.remove(this);
    if (this.waiting === undefined) return;
    this.meters.drop(this.waiting);
    this.waiting = undefined;
  }
}

/**
 * Whether the work re-armed its action. RxJS does not close an action that has run, so keeping every open one would
 * keep all of them; `pending` (and, on virtual time, `active`) is where its actions remember it. A scheduler without
 * these only loses the early cancel of its repeating tasks: they stop at their next run.
 */
function isArmed(action: object): boolean {
  const { pending, active } = action as { readonly pending?: unknown; readonly active?: unknown };
  return pending === true || active === false;
}
