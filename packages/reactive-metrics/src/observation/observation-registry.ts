import { type CurrentObservation, currentObservation } from './current-observation.js';
import type { Observation } from './observation.js';
import type { ObservationConvention, ObservationHandler, ObservationPredicate } from './observation-handler.js';

/** Options of {@link observationRegistry}. */
export interface ObservationRegistryOptions {
  /** Called in this order at start, in reverse at stop. Without any, nothing is observed. */
  readonly handlers?: readonly ObservationHandler[];
  readonly predicate?: ObservationPredicate;
  /** The first that supports a context names its observation, unless the observation brings its own convention. */
  readonly conventions?: readonly ObservationConvention[];
}

/** Where observations are reported, and which one is current. Make one with {@link observationRegistry}. */
export class ObservationRegistry {
  readonly handlers: readonly ObservationHandler[];
  readonly predicate: ObservationPredicate | undefined;
  readonly conventions: readonly ObservationConvention[];
  private readonly currentObservation: CurrentObservation = currentObservation();

  constructor({ handlers = [], predicate, conventions = [] }: ObservationRegistryOptions) {
    this.handlers = [...handlers];
    this.predicate = predicate;
    this.conventions = [...conventions];
  }

  /** The observation this code runs in, if any. */
  get current(): Observation | undefined {
    return this.currentObservation.get();
  }

  /** Runs `work`, and what it starts asynchronously, with `observation` current. */
  run<R>(observation: Observation, work: () => R): R {
    const { context } = observation;
    const nested = this.handlers.reduceRight<() => R>((inner, handler) => {
      if (handler.runWith === undefined || handler.supports?.(context) === false) return inner;
      return () => handler.runWith?.(context, inner) as R;
    }, work);
    return this.currentObservation.run(observation, nested);
  }

  /** Notes what is current now, for this registry and its handlers, and gives a function to run work under it. */
  capture(): <R>(work: () => R) => R {
    const observation = this.current;
    const restorers = this.handlers.flatMap((handler) => handler.capture?.() ?? []);
    return <R>(work: () => R): R => {
      const nested = restorers.reduceRight<() => R>((inner, restore) => () => restore(inner), work);
      return this.currentObservation.run(observation, nested);
    };
  }
}

/** A registry that reports to `handlers`. There is no global one. */
export function observationRegistry(options: ObservationRegistryOptions = {}): ObservationRegistry {
  return new ObservationRegistry(options);
}
