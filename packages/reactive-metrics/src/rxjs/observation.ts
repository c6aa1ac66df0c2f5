import type { MonoTypeOperatorFunction } from 'rxjs';
import { failureReporter } from '../failure-reporter.js';
import { createObservation } from '../observation/create-observation.js';
import type { Observation } from '../observation/observation.js';
import { DEFAULT_OBSERVATION_NAME, ObservationListener } from '../observation/observation-listener.js';
import type { ObservationRegistry } from '../observation/observation-registry.js';
import { exceptionNamer } from '../stream/exception-namer.js';
import type { StreamOptions } from '../stream/options.js';
import { connect } from './source.js';
import { identifySource, TapOperator } from './tap-signals.js';

/** Makes the observation of one subscription; giving nothing means the default one. */
export type ObservationSupplier = (registry: ObservationRegistry) => Observation | null | undefined;

/**
 * Keeps one observation over each subscription to the stream at this point: current upstream of it, while downstream
 * the one that was current at subscription stays so. An error thrown by `supplier` reaches the subscriber.
 * @throws TypeError when `registry` is missing, or the stream's name, type or tags are not valid
 */
export function observation<T>(
  registry: ObservationRegistry,
  supplier?: ObservationSupplier,
  options: StreamOptions = {},
): MonoTypeOperatorFunction<T> {
  if (registry === undefined || registry === null) throw new TypeError('observation needs an ObservationRegistry');
  return (source) => {
    const stream = identifySource('observation', source, options, DEFAULT_OBSERVATION_NAME);
    const report = failureReporter('observation', options.onInstrumentationError);
    const exceptionName = exceptionNamer(options.exceptionName, report);
    const createListener = () => {
      const supplied = supplier?.(registry);
      const observed = supplied ?? createObservation(registry, { name: stream.name }).contextualName(stream.name);
      return new ObservationListener(registry, observed, stream, exceptionName, report);
    };
    return connect(source, new TapOperator<T>(createListener));
  };
}
