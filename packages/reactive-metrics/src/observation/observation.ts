import { type Tags, type TagsInput, tagsOf } from '../tags.js';

/** One unit of work under observation, from start to stop. Make one with {@link createObservation}. */
export interface Observation {
  readonly context: ObservationContext;
  /** `true` when nobody listens: every call then does nothing. */
  readonly isNoop: boolean;
  /** Shown in traces instead of the name. */
  contextualName(name: string): this;
  /** Adds keys with few different values, for timers and traces. */
  lowCardinality(tags: TagsInput): this;
  /** Adds keys with any number of values, for traces only. */
  highCardinality(tags: TagsInput): this;
  /** Sets the parent, in place of the observation that was current when this one was created. */
  parent(parent: Observation): this;
  start(): this;
  /** Something worth counting happened during the observation. */
  event(name: string): this;
  /** The observed work failed. Does not stop the observation. */
  error(error: unknown): this;
  /** Ends the observation; later calls change nothing. */
  stop(): void;
  /** Runs `work`, and what it starts asynchronously, with this observation current. */
  run<R>(work: () => R): R;
}

/**
 * Everything handlers know of one observation. Extend it to carry data of your own to your conventions and handlers.
 */
export class ObservationContext {
  /** Becomes the name of the timer. */
  name = '';
  /** What a trace shows instead of the name; the name when not set. */
  contextualName: string | undefined;
  /** The observation this one belongs to. */
  parent: Observation | undefined;
  /** Whether `parent` was taken from what was current, as opposed to having been set. */
  parentIsCurrent = false;
  /** What was observed to fail; boxed, since anything can be thrown. */
  failure: { readonly error: unknown } | undefined;
  /** What names the failure in the `error` tag, where a caller knows better than the default rule. */
  errorName: string | undefined;
  private low: Tags = tagsOf();
  private high: Tags = tagsOf();

  /** Few different values per key: fit for the tags of a timer. */
  get lowCardinality(): Tags {
    return this.low;
  }

  /** Any number of values per key: for traces and logs only. */
  get highCardinality(): Tags {
    return this.high;
  }

  /** Adds keys; later values win. */
  addLowCardinality(tags: TagsInput): void {
    this.low = this.low.and(tags);
  }

  /** Adds keys; later values win. */
  addHighCardinality(tags: TagsInput): void {
    this.high = this.high.and(tags);
  }
}
