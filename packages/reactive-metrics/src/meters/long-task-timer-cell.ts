import type { Clock } from '../clock.js';
import { type Linked, LinkedList } from './linked-list.js';
import type { LongTaskSample, LongTaskTimer } from './meter-registry.js';

/**
 * The running tasks behind a {@link LongTaskTimer}. Starting and stopping are O(1) however many run, tasks that
 * started at the same instant are all kept, and the first in the list is the oldest because the clock never goes back.
 */
export class LongTaskTimerCell implements LongTaskTimer {
  private readonly running = new LinkedList<Sample>();

  constructor(readonly clock: Clock) {}

  start(at: number = this.clock.now()): LongTaskSample {
    return new Sample(this.clock, this.running, at);
  }

  /** How many tasks run now. */
  get activeTasks(): number {
    return this.running.size;
  }

  /** Summed age of the running tasks, nanoseconds. O(tasks). */
  get duration(): number {
    const now = this.clock.now();
    let sum = 0;
    for (const sample of this.running) sum += now - sample.startedAt;
    return sum;
  }

  /** Age of the oldest running task, nanoseconds; 0 when none runs. */
  get max(): number {
    const oldest = this.running.first;
    return oldest === undefined ? 0 : this.clock.now() - oldest.startedAt;
  }

  /** Ages of the running tasks, oldest first, nanoseconds. */
  ages(): number[] {
    const now = this.clock.now();
    return Array.from(this.running, (sample) => now - sample.startedAt);
  }
}

class Sample implements LongTaskSample, Linked<Sample> {
  previous: Sample | undefined;
  next: Sample | undefined;
  private age = -1;

  constructor(
    private readonly clock: Clock,
    private readonly list: LinkedList<Sample>,
    readonly startedAt: number,
  ) {
    list.append(this);
  }

  stop(at: number = this.clock.now()): number {
    if (this.age < 0) {
      this.age = Math.max(0, at - this.startedAt);
      this.list.remove(this);
    }
    return this.age;
  }
}
