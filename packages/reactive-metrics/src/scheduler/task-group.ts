import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';
import { LinkedList } from '../meters/linked-list.js';
import type { SubmissionType, TaskMeters } from './task-meters.js';
import { TimedTask } from './timed-task.js';

/** The tasks that are cancelled together: those of a scheduler, or of one of its workers. */
export class TaskGroup {
  /** Set once; later submissions are refused. */
  closed = false;
  private readonly outstanding = new LinkedList<TimedTask>();

  /** @param what named in the error of a refused submission */
  constructor(
    private readonly original: SchedulerLike,
    private readonly meters: TaskMeters,
    private readonly what: string,
  ) {}

  now(): number {
    return this.original.now();
  }

  /** @throws Error when the group is closed, and whatever the original scheduler throws */
  submit<T>(
    type: SubmissionType,
    work: (this: SchedulerAction<T>, state?: T) => void,
    delay: number,
    state?: T,
  ): Subscription {
    const task = new TimedTask(this.meters, this.outstanding, type);
    let subscription: Subscription;
    try {
      if (this.closed) throw new Error(`${this.what} is disposed and takes no more tasks`);
      const { original } = this;
      const group = this;
      subscription = original.schedule<T>(
        function (this: SchedulerAction<T>, current?: T) {
          // Closed since this run was armed, by a scheduler that does not show us what it armed.
          if (group.closed) this.unsubscribe();
          else task.run(this, work, current);
        },
        delay,
        state,
      );
    } catch (refusal) {
      task.unsubscribe();
      throw refusal;
    }
    this.watch(task, subscription);
    return subscription;
  }

  /** Work at a fixed rate, until the subscription is closed or the work throws. */
  submitPeriodically(work: () => void, initialDelay: number, period: number): Subscription {
    const handle = new Subscription();
    const again = Math.max(0, period);
    const first = this.submit<undefined>(
      'periodic_initial',
      function () {
        work();
        // A scheduler that makes a new action for each run gives it here; one that does not gives the same again.
        if (!handle.closed) handle.add(this.schedule(undefined, again));
      },
      initialDelay,
    );
    handle.add(first);
    return handle;
  }

  /** Cancels every outstanding task. */
  close(): void {
    this.closed = true;
    for (let task = this.outstanding.first; task !== undefined; task = this.outstanding.first) {
      task.unsubscribe();
      task.subscription?.unsubscribe();
    }
  }

  private watch(task: TimedTask, subscription: Subscription): void {
    if (this.closed) {
      // By the task itself, which ran before `schedule` returned and may have re-armed.
      subscription.unsubscribe();
    } else if (task.isOutstanding) {
      task.subscription = subscription;
      // Runs at once when the subscription is closed already, as for a delay of Infinity on virtual time.
      subscription.add(task);
    }
  }
}
