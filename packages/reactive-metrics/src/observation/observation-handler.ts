import type { TagsInput } from '../tags.js';
import type { ObservationContext } from './observation.js';

/** Turns observations into something: a timer, a span, a log line. */
export interface ObservationHandler {
  /** Whether this handler cares; without it, it always does. */
  supports?(context: ObservationContext): boolean;
  onStart?(context: ObservationContext): void;
  onError?(context: ObservationContext, error: unknown): void;
  onEvent?(context: ObservationContext, event: string): void;
  /** Handlers are stopped in the reverse order of their start. */
  onStop?(context: ObservationContext): void;
  /** Runs `work` with what this handler made for `context` current, for instance its span. */
  runWith?<R>(context: ObservationContext, work: () => R): R;
  /** Notes what is current for this handler now, and gives a function that runs work under it later. */
  capture?(): <R>(work: () => R) => R;
}

/** Names an observation and gives its keys, apart from the code that is observed. */
export interface ObservationConvention<C extends ObservationContext = ObservationContext> {
  supports(context: ObservationContext): boolean;
  /** Read at start; a blank one leaves the name alone. */
  name?(context: C): string | undefined;
  /** Read at stop. */
  contextualName?(context: C): string | undefined;
  /** Read at start and again at stop. */
  lowCardinality?(context: C): TagsInput;
  /** Read at start and again at stop. */
  highCardinality?(context: C): TagsInput;
}

/** Decides whether something is observed at all. */
export type ObservationPredicate = (name: string, context: ObservationContext) => boolean;
