import type { FailureReporter } from '../failure-reporter.js';
import type { Counter, DistributionSummary, MeterRegistry, Timer } from '../meters/meter-registry.js';
import type { StreamIdentity } from '../signals/listener.js';
import { type Tags, tagsOf } from '../tags.js';

/** Prefix of the meters of a stream that nobody named. */
export const DEFAULT_METER_PREFIX = 'reactor';

/** The ends of a subscription that are no error. */
export type QuietStatus = 'completed' | 'completedEmpty' | 'cancelled';

/**
 * The meters of one tap point: their names and tag sets are worked out once, when the tap is attached. The registry is
 * asked for the meters themselves again for each subscription, so one that was cleared in between gets them back.
 */
export class FlowMeters {
  /** Whether `requested` exists: a named Flux whose carrier knows demand. */
  readonly showsDemand: boolean;
  private readonly common: Tags;
  private readonly quiet: Readonly<Record<QuietStatus, Tags>>;

  constructor(
    readonly registry: MeterRegistry,
    readonly stream: StreamIdentity,
    hasDemand: boolean,
    private readonly exceptionName: (error: unknown) => string,
    readonly report: FailureReporter,
  ) {
    this.showsDemand = hasDemand && stream.type === 'Flux' && stream.name !== DEFAULT_METER_PREFIX;
    this.common = tagsOf({ type: stream.type }, stream.tags);
    this.quiet = {
      completed: this.common.and({ status: 'completed', exception: '' }),
      completedEmpty: this.common.and({ status: 'completedEmpty', exception: '' }),
      cancelled: this.common.and({ status: 'cancelled', exception: '' }),
    };
  }

  subscribed(): Counter {
    return this.registry.counter(`${this.stream.name}.subscribed`, this.common, SUBSCRIBED);
  }

  onNextDelay(): Timer {
    return this.registry.timer(`${this.stream.name}.onNext.delay`, this.common, ON_NEXT_DELAY);
  }

  requested(): DistributionSummary {
    return this.registry.summary(`${this.stream.name}.requested`, this.common, REQUESTED);
  }

  malformedSource(): Counter {
    return this.registry.counter(`${this.stream.name}.malformed.source`, this.common, MALFORMED_SOURCE);
  }

  /** The flow timer of an end without error. */
  quietFlow(status: QuietStatus): Timer {
    return this.flow(this.quiet[status]);
  }

  /** The flow timer of an end with `error`. */
  failedFlow(error: unknown): Timer {
    return this.flow(this.common.and({ status: 'error', exception: this.exceptionName(error) }));
  }

  private flow(tags: Tags): Timer {
    return this.registry.timer(`${this.stream.name}.flow.duration`, tags, FLOW_DURATION);
  }
}

const SUBSCRIBED = { description: 'Subscriptions to the stream.' };
const ON_NEXT_DELAY = { description: 'Time between two values, or between the subscription and its first value.' };
const REQUESTED = { description: 'Amounts of values requested from the stream.' };
const MALFORMED_SOURCE = { description: 'Signals that the source sent after it had ended.' };
const FLOW_DURATION = {
  description: 'Time from the subscription to its completion, error or cancellation.',
  requiredKeys: ['exception'],
};
