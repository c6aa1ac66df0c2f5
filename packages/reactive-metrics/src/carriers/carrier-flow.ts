import { failureReporter } from '../failure-reporter.js';
import type { MeterRegistry } from '../meters/meter-registry.js';
import { DEFAULT_METER_PREFIX, FlowMeters } from '../metrics/flow-meters.js';
import { MetricsListener } from '../metrics/metrics-listener.js';
import { SignalFlow } from '../signals/signal-flow.js';
import { exceptionNamer } from '../stream/exception-namer.js';
import { identify } from '../stream/identity.js';
import type { StreamOptions } from '../stream/options.js';

/** Gives a function that makes the flow of one more subscription; its meters are those of the `metrics` operator. */
export function carrierFlow<T>(
  operator: string,
  registry: MeterRegistry,
  options: StreamOptions,
  hasDemand: boolean,
): () => SignalFlow<T> {
  if (registry === undefined || registry === null) throw new TypeError(`${operator} needs a MeterRegistry`);
  const report = failureReporter(operator, options.onInstrumentationError);
  const stream = identify(options, undefined, DEFAULT_METER_PREFIX);
  const meters = new FlowMeters(registry, stream, hasDemand, exceptionNamer(options.exceptionName, report), report);
  // The metrics listener reports its failures itself and never throws, so there is nothing to end the flow with.
  return () => new SignalFlow<T>(new MetricsListener(meters), report);
}
