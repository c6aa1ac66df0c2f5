import type { MonoTypeOperatorFunction, Subscribable } from 'rxjs';
import { failureReporter } from '../failure-reporter.js';
import type { MeterRegistry } from '../meters/meter-registry.js';
import { DEFAULT_METER_PREFIX, FlowMeters } from '../metrics/flow-meters.js';
import { MetricsListener } from '../metrics/metrics-listener.js';
import { exceptionNamer } from '../stream/exception-namer.js';
import type { StreamOptions } from '../stream/options.js';
import { connect } from './source.js';
import { identifySource, TapOperator } from './tap-signals.js';

/** Options of {@link metrics}. */
export interface MetricsOptions extends StreamOptions {
  /** Amounts requested from the source, from a protocol that has credits; RxJS itself has no demand. */
  readonly demand?: Subscribable<number>;
}

/**
 * Measures the stream at this point: subscriptions, time between values, duration and outcome of each subscription,
 * and signals a broken source sends after its end. The stream is not changed; a failing registry does not fail it.
 * @throws TypeError when `registry` is missing, or the stream's name, type or tags are not valid
 */
export function metrics<T>(registry: MeterRegistry, options: MetricsOptions = {}): MonoTypeOperatorFunction<T> {
  if (registry === undefined || registry === null) throw new TypeError('metrics needs a MeterRegistry');
  return (source) => {
    const stream = identifySource('metrics', source, options, DEFAULT_METER_PREFIX);
    const report = failureReporter('metrics', options.onInstrumentationError);
    const { demand } = options;
    const exceptionName = exceptionNamer(options.exceptionName, report);
    const meters = new FlowMeters(registry, stream, demand !== undefined, exceptionName, report);
    const createListener = () => new MetricsListener(meters);
    return connect(
      source,
      new TapOperator<T>(createListener, demand === undefined ? undefined : { amounts: demand, report }),
    );
  };
}
