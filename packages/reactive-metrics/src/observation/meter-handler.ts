import { errorName } from '../error-name.js';
import type { LongTaskSample, MeterRegistry } from '../meters/meter-registry.js';
import type { ObservationContext } from './observation.js';
import type { ObservationHandler } from './observation-handler.js';

/** Options of {@link meterHandler}. */
export interface MeterHandlerOptions {
  /** Whether running observations show in a long task timer `<name>.active`; `true` by default. */
  readonly longTaskTimer?: boolean;
}

/**
 * Makes meters of observations: a timer `<name>` with the low-cardinality keys and `error` (`none` without one), a
 * long task timer `<name>.active` with the keys known at start, and a counter `<name>.<event>` per event.
 */
export function meterHandler(registry: MeterRegistry, options: MeterHandlerOptions = {}): ObservationHandler {
  const { longTaskTimer = true } = options;
  const running = new WeakMap<ObservationContext, { readonly startedAt: number; readonly active?: LongTaskSample }>();
  return {
    onStart(context) {
      const startedAt = registry.clock.now();
      // Noted before anything can fail: without the instant the stop would have nothing to record.
      running.set(context, { startedAt });
      if (!longTaskTimer) return;
      const active = registry.longTaskTimer(`${context.name}.active`, context.lowCardinality, ACTIVE).start(startedAt);
      running.set(context, { startedAt, active });
    },

    onEvent(context, event) {
      registry.counter(`${context.name}.${event}`, context.lowCardinality, EVENTS).increment();
    },

    onStop(context) {
      const run = running.get(context);
      if (run === undefined) return;
      running.delete(context);
      const at = registry.clock.now();
      run.active?.stop(at);
      const { failure } = context;
      const error = failure === undefined ? 'none' : (context.errorName ?? errorName(failure.error));
      registry.timer(context.name, context.lowCardinality.and({ error }), DURATION).record(at - run.startedAt, at);
    },
  };
}

const ACTIVE = { description: 'Observations running now.' };
const EVENTS = { description: 'Events reported during an observation.' };
const DURATION = { description: 'Time from the start of an observation to its stop.' };
