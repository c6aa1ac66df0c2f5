import type { MeterRegistry } from '../meters/meter-registry.js';
import type { StreamOptions } from '../stream/options.js';
import { carrierFlow } from './carrier-flow.js';

/** Options of {@link meteredPromise}; a promise always is a `Mono`. */
export type MeteredPromiseOptions = Omit<StreamOptions, 'type'>;

/**
 * Calls `work` and measures the promise it gives as a `Mono` stream: one subscription, `completed` when it fulfils
 * (with `undefined` too: a promise always has a value), `error` when it rejects or `work` throws.
 * @returns a promise with the outcome of `work`
 */
export async function meteredPromise<T>(
  work: () => PromiseLike<T> | T,
  registry: MeterRegistry,
  options: MeteredPromiseOptions = {},
): Promise<T> {
  const flow = carrierFlow<T>('meteredPromise', registry, { ...options, type: 'Mono' }, false)();
  flow.start();
  let value: T;
  try {
    value = await work();
  } catch (error) {
    flow.error(error);
    throw error;
  }
  flow.next(value);
  flow.complete();
  return value;
}
