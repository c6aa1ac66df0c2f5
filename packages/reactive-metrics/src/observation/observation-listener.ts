import type { FailureReporter } from '../failure-reporter.js';
import type { SignalListener, SignalScope, StreamIdentity } from '../signals/listener.js';
import type { Observation } from './observation.js';
import type { ObservationRegistry } from './observation-registry.js';

/** Name of the observation of a stream that nobody named. */
export const DEFAULT_OBSERVATION_NAME = 'reactor.observation';

/**
 * Keeps one observation over one subscription. Failing handlers are reported, never passed on to the stream.
 */
export class ObservationListener implements SignalListener<unknown> {
  private sawValue = false;
  private stopped = false;

  constructor(
    private readonly registry: ObservationRegistry,
    private readonly observation: Observation,
    private readonly stream: StreamIdentity,
    private readonly exceptionName: (error: unknown) => string,
    private readonly report: FailureReporter,
  ) {}

  doFirst(): void {
    this.guard(() => {
      this.observation.lowCardinality(this.stream.tags).lowCardinality({ 'reactor.type': this.stream.type }).start();
    });
  }

  openScope(): SignalScope | undefined {
    if (this.observation.isNoop) return undefined;
    try {
      // What is current now belongs to the subscriber, and its code shall go on seeing it.
      const restore = this.registry.capture();
      return {
        runUpstream: (work) => this.runFailOpen((guarded) => this.observation.run(guarded), work),
        runDownstream: (work) => this.runFailOpen(restore, work),
      };
    } catch (failure) {
      this.report(failure);
      return undefined;
    }
  }

  doOnNext(): void {
    if (this.stream.type === 'Mono') this.stop('completed');
    this.sawValue = true;
  }

  doOnComplete(): void {
    this.stop(this.sawValue ? 'completed' : 'completedEmpty');
  }

  doOnError(error: unknown): void {
    this.stop('error', () => {
      this.observation.context.errorName ??= this.exceptionName(error);
      this.observation.error(error);
    });
  }

  doOnCancel(): void {
    this.stop('cancelled');
  }

  private stop(status: string, before?: () => void): void {
    if (this.stopped) return;
    this.stopped = true;
    if (before !== undefined) this.guard(before);
    this.guard(() => this.observation.lowCardinality({ 'reactor.status': status }).stop());
  }

  private guard(call: () => void): void {
    try {
      call();
    } catch (failure) {
      this.report(failure);
    }
  }

  /** A scope that fails before it runs the work is left out; an error of the work itself passes. */
  private runFailOpen<R>(scope: (work: () => R) => R, work: () => R): R {
    let ran = false;
    try {
      return scope(() => {
        ran = true;
        return work();
      });
    } catch (failure) {
      if (ran) throw failure;
      this.report(failure);
      return work();
    }
  }
}
