export { meteredIterable } from './carriers/iterable.js';
export { type MeteredPromiseOptions, meteredPromise } from './carriers/promise.js';
export { type MeteredStreamOptions, meteredStream, type QueueStrategy } from './carriers/web-stream.js';
export { type Clock, systemClock } from './clock.js';
export { errorName } from './error-name.js';
export type {
  Counter,
  DistributionSummary,
  LongTaskSample,
  LongTaskTimer,
  MeterOptions,
  MeterRegistry,
  Timer,
} from './meters/meter-registry.js';
export { type InspectableMeterRegistry, type InspectedMeter, simpleRegistry } from './meters/simple-registry.js';
export { DEFAULT_METER_PREFIX } from './metrics/flow-meters.js';
export { createObservation, type ObservationSource } from './observation/create-observation.js';
export { type MeterHandlerOptions, meterHandler } from './observation/meter-handler.js';
export { type Observation, ObservationContext } from './observation/observation.js';
export type {
  ObservationConvention,
  ObservationHandler,
  ObservationPredicate,
} from './observation/observation-handler.js';
export {
  type ObservationRegistry,
  type ObservationRegistryOptions,
  observationRegistry,
} from './observation/observation-registry.js';
export { type MetricsOptions, metrics } from './rxjs/metrics.js';
export { name, tag } from './rxjs/name.js';
export { type ObservationSupplier, observation } from './rxjs/observation.js';
export { tapSignals } from './rxjs/tap-signals.js';
export {
  type TimedScheduler,
  type TimedSchedulerOptions,
  type TimedWorker,
  timedScheduler,
} from './scheduler/timed-scheduler.js';
export type {
  SignalEnd,
  SignalListener,
  SignalListenerFactory,
  SignalScope,
  StreamIdentity,
  StreamType,
} from './signals/listener.js';
export type { StreamOptions } from './stream/options.js';
export { type Tags, type TagsInput, tagsOf } from './tags.js';
