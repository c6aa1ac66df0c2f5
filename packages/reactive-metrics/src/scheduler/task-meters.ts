import type { Clock } from '../clock.js';
import { failureReporter } from '../failure-reporter.js';
import type { Counter, LongTaskSample, LongTaskTimer, MeterRegistry, Timer } from '../meters/meter-registry.js';
import { type TagsInput, tagsOf } from '../tags.js';

/** How a task came to the scheduler. */
export type SubmissionType = 'direct' | 'delayed' | 'periodic_initial' | 'periodic_iteration';

/** Which waiting tasks `pending` covers: all but periodic ones, or only those that were to start at once. */
export type PendingScope = 'all' | 'immediate';

/**
 * The seven meters of a timed scheduler. Creating them may throw; using them never does, so that a broken registry
 * does not break the tasks.
 */
export class TaskMeters {
  private readonly submitted: Readonly<Record<SubmissionType, Counter>>;
  private readonly pending: LongTaskTimer;
  private readonly active: LongTaskTimer;
  private readonly completed: Timer;
  private readonly clock: Clock;
  private readonly report = failureReporter('timedScheduler');

  constructor(
    registry: MeterRegistry,
    prefix: string,
    tags: TagsInput,
    private readonly pendingScope: PendingScope,
  ) {
    const own = tagsOf(tags);
    const base = `${prefix}.scheduler.tasks`;
    const submissions = (type: SubmissionType) =>
      registry.counter(`${base}.submitted`, own.and({ 'submission.type': type }), SUBMITTED);
    this.clock = registry.clock;
    this.submitted = {
      direct: submissions('direct'),
      delayed: submissions('delayed'),
      periodic_initial: submissions('periodic_initial'),
      periodic_iteration: submissions('periodic_iteration'),
    };
    this.pending = registry.longTaskTimer(`${base}.pending`, own, PENDING);
    this.active = registry.longTaskTimer(`${base}.active`, own, ACTIVE);
    this.completed = registry.timer(`${base}.completed`, own, COMPLETED);
  }

  /** Counts a submission; a task that now waits gives the sample of its waiting. */
  submit(type: SubmissionType): LongTaskSample | undefined {
    const waits = type === 'direct' || (type === 'delayed' && this.pendingScope === 'all');
    let waiting: LongTaskSample | undefined;
    try {
      if (waits) waiting = this.pending.start(this.clock.now());
      this.submitted[type].increment();
    } catch (failure) {
      this.report(failure);
    }
    return waiting;
  }

  /** Counts one more run of a task that was submitted before. */
  repeat(): void {
    try {
      this.submitted.periodic_iteration.increment();
    } catch (failure) {
      this.report(failure);
    }
  }

  /** The task will not run: it was cancelled or refused. */
  drop(waiting: LongTaskSample): void {
    try {
      waiting.stop();
    } catch (failure) {
      this.report(failure);
    }
  }

  /** A run starts. @returns its instant, or `undefined` when it cannot be measured */
  begin(waiting: LongTaskSample | undefined): number | undefined {
    try {
      const startedAt = this.clock.now();
      waiting?.stop(startedAt);
      return startedAt;
    } catch (failure) {
      this.report(failure);
      return undefined;
    }
  }

  /** Shows the run that began at `startedAt` among those in progress. */
  activate(startedAt: number): LongTaskSample | undefined {
    try {
      return this.active.start(startedAt);
    } catch (failure) {
      this.report(failure);
      return undefined;
    }
  }

  /** The run that began at `startedAt` is over. */
  end(startedAt: number, active: LongTaskSample | undefined): void {
    try {
      const at = this.clock.now();
      this.completed.record(at - startedAt, at);
      active?.stop(at);
    } catch (failure) {
      this.report(failure);
    }
  }
}

const SUBMITTED = {
  description: 'Tasks submitted to the scheduler; each further run of a repeating task counts again.',
};
const PENDING = { description: 'Tasks waiting to start, intended delay included.' };
const ACTIVE = { description: 'Tasks running now.' };
const COMPLETED = { description: 'Duration of finished runs, failed ones included.' };
