import type { Observation } from './observation.js';

/** Keeps which observation is current, per chain of calls. */
export interface CurrentObservation {
  get(): Observation | undefined;
  run<R>(observation: Observation | undefined, work: () => R): R;
}

/**
 * Follows asynchronous calls where the runtime can (`AsyncLocalStorage` of Node and Bun). Elsewhere the current
 * observation is current during the synchronous part of `work` only.
 */
export function currentObservation(): CurrentObservation {
  // Asked of the runtime instead of imported, so that a browser bundle needs no stand-in for the module.
  const hooks = globalThis.process?.getBuiltinModule?.('node:async_hooks');
  if (hooks === undefined) return new SynchronousCurrent();
  const storage = new hooks.AsyncLocalStorage<Observation | undefined>();
  return { get: () => storage.getStore(), run: (observation, work) => storage.run(observation, work) };
}

class SynchronousCurrent implements CurrentObservation {
  private current: Observation | undefined;

  get(): Observation | undefined {
    return this.current;
  }

  run<R>(observation: Observation | undefined, work: () => R): R {
    const outer = this.current;
    this.current = observation;
    try {
      return work();
    } finally {
      this.current = outer;
    }
  }
}
