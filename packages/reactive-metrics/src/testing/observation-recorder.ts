import type { ObservationContext } from '../observation/observation.js';
import type { ObservationHandler } from '../observation/observation-handler.js';

/** What a recorder saw of one observation. `context` is live. */
export interface RecordedObservation {
  readonly context: ObservationContext;
  readonly errors: readonly unknown[];
  readonly events: readonly string[];
  /** How often it was stopped; more than once is a fault. */
  readonly stops: number;
}

/** A handler that keeps every observation it is told of, in the order of their start. */
export interface ObservationRecorder extends ObservationHandler {
  readonly observations: readonly RecordedObservation[];
}

/** For tests of code that observes. */
export function observationRecorder(): ObservationRecorder {
  const observations: { context: ObservationContext; errors: unknown[]; events: string[]; stops: number }[] = [];
  const find = (context: ObservationContext) => observations.find((seen) => seen.context === context);
  return {
    observations,
    onStart: (context) => void observations.push({ context, errors: [], events: [], stops: 0 }),
    onError: (context, error) => void find(context)?.errors.push(error),
    onEvent: (context, event) => void find(context)?.events.push(event),
    onStop(context) {
      const seen = find(context);
      if (seen !== undefined) seen.stops += 1;
    },
  };
}
