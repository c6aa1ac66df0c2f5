import { type Context, context, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { errorName } from '../error-name.js';
import type { ObservationContext } from '../observation/observation.js';
import type { ObservationHandler } from '../observation/observation-handler.js';

/**
 * Makes a span of each observation: named by the contextual name, with all keys as attributes, current upstream of the
 * stream's tap. Its parent is the span that is active where the observation starts; an observation that was given a
 * parent of its own goes under that one's span.
 */
export function tracingHandler(tracer: Tracer): ObservationHandler {
  if (typeof tracer?.startSpan !== 'function') throw new TypeError('tracingHandler needs an OpenTelemetry Tracer');
  const running = new WeakMap<ObservationContext, Span>();

  const parentOf = (observed: ObservationContext): Context => {
    const active = context.active();
    const parent = observed.parent === undefined ? undefined : running.get(observed.parent.context);
    // The active context is the parent's own or one opened below it, except when the parent is from elsewhere.
    if (parent === undefined || observed.parentIsCurrent) return active;
    return trace.setSpan(active, parent);
  };

  return {
    onStart(observed) {
      const attributes = attributesOf(observed);
      running.set(observed, tracer.startSpan(nameOf(observed), { attributes }, parentOf(observed)));
    },

    onEvent(observed, event) {
      running.get(observed)?.addEvent(event);
    },

    onError(observed, error) {
      const span = running.get(observed);
      span?.recordException(error instanceof Error ? error : messageOf(error));
      span?.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
    },

    onStop(observed) {
      const span = running.get(observed);
      span?.updateName(nameOf(observed));
      span?.setAttributes(attributesOf(observed));
      span?.end();
    },

    runWith(observed, work) {
      const span = running.get(observed);
      return span === undefined ? work() : context.with(trace.setSpan(context.active(), span), work);
    },

    capture() {
      const captured = context.active();
      return (work) => context.with(captured, work);
    },
  };
}

function nameOf(observed: ObservationContext): string {
  return observed.contextualName ?? observed.name;
}

function attributesOf(observed: ObservationContext): Record<string, string> {
  return Object.fromEntries([...observed.lowCardinality, ...observed.highCardinality]);
}

// `String(error)` can throw, and would print the source text of a function.
function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === 'string' ? error : errorName(error);
}
