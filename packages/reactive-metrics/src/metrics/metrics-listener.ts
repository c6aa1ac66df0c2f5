import type { Counter, DistributionSummary, Timer } from '../meters/meter-registry.js';
import type { SignalListener } from '../signals/listener.js';
import type { FlowMeters } from './flow-meters.js';

// What the JVM records for "as many as you have": 2^63 - 1.
const UNBOUNDED = 2 ** 63;

/**
 * Records one subscription. Nothing it does can fail the stream: each measurement that throws is reported and skipped,
 * the others go on. Per value it reads the clock once and adds a few numbers.
 */
export class MetricsListener implements SignalListener<unknown> {
  private delay: Timer | undefined;
  private requested: DistributionSummary | undefined;
  private readonly isMono: boolean;
  private startedAt = 0;
  private previousAt = 0;
  private sawValue = false;
  // A Mono's flow is over at its value, before the source ends.
  private flowRecorded = false;

  constructor(private readonly meters: FlowMeters) {
    this.isMono = meters.stream.type === 'Mono';
  }

  doFirst(): void {
    if (!this.isMono) this.guard(() => (this.delay = this.meters.onNextDelay()));
    if (this.meters.showsDemand) this.guard(() => (this.requested = this.meters.requested()));
  }

  doOnSubscription(): void {
    this.guard(() => this.meters.subscribed().increment());
    this.guard(() => {
      this.startedAt = this.meters.registry.clock.now();
      this.previousAt = this.startedAt;
    });
  }

  doOnRequest(amount: number): void {
    this.guard(() => this.requested?.record(amount === Number.POSITIVE_INFINITY ? UNBOUNDED : amount));
  }

  doOnNext(): void {
    if (this.isMono) {
      this.monoValue();
      return;
    }
    this.sawValue = true;
    const { delay } = this;
    if (delay === undefined) return;
    // No closure here: this is the path of every value.
    try {
      const at = this.meters.registry.clock.now();
      delay.record(at - this.previousAt, at);
      this.previousAt = at;
    } catch (failure) {
      this.meters.report(failure);
    }
  }

  doOnComplete(): void {
    this.recordFlow(() => this.meters.quietFlow(this.sawValue ? 'completed' : 'completedEmpty'));
  }

  doOnError(error: unknown): void {
    this.recordFlow(() => this.meters.failedFlow(error));
  }

  doOnCancel(): void {
    this.recordFlow(() => this.meters.quietFlow('cancelled'));
  }

  doOnMalformedOnNext(): void {
    this.countMalformed();
  }

  doOnMalformedOnError(): void {
    this.countMalformed();
  }

  doOnMalformedOnComplete(): void {
    this.countMalformed();
  }

  private monoValue(): void {
    if (this.sawValue) {
      this.countMalformed();
      return;
    }
    this.sawValue = true;
    this.recordFlow(() => this.meters.quietFlow('completed'));
  }

  private recordFlow(timer: () => Timer): void {
    if (this.flowRecorded) return;
    this.flowRecorded = true;
    this.guard(() => {
      const at = this.meters.registry.clock.now();
      timer().record(at - this.startedAt, at);
    });
  }

  private countMalformed(): void {
    this.guard(() => {
      const counter: Counter = this.meters.malformedSource();
      counter.increment();
    });
  }

  private guard(measure: () => void): void {
    try {
      measure();
    } catch (failure) {
      this.meters.report(failure);
    }
  }
}
