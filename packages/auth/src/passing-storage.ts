import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * An AsyncLocalStorage that is switched off while nothing runs in it. Before Node 24, one that was entered once makes every
 * promise of the process dearer for good, a third of the CPU time of a small request. What goes on after the promise of
 * its run has settled finds nothing in it.
 */
export class PassingStorage<T> extends AsyncLocalStorage<T> {
  #running = 0;

  override run<R>(store: T, work: () => R): R;
  override run<R, Args extends unknown[]>(store: T, work: (...args: Args) => R, ...args: Args): R;
  override run<R, Args extends unknown[]>(store: T, work: (...args: Args) => R, ...args: Args): R {
    this.#running += 1;
    let result: R;
    try {
      result = super.run(store, work, ...args);
    } catch (error) {
      this.#leave();
      throw error;
    }
    if (result instanceof Promise) {
      const leave = () => this.#leave();
      result.then(leave, leave);
    } else {
      this.#leave();
    }
    return result;
  }

  #leave(): void {
    this.#running -= 1;
    if (this.#running === 0) this.disable();
  }
}

/** Where better-auth keeps its own: one object for the process, which it makes, or takes, when it first needs it. */
const BETTER_AUTH = Symbol.for('better-auth:global');
const OF_BETTER_AUTH = ['requestStateAsyncStorage', 'endpointContextAsyncStorage', 'adapterAsyncStorage'] as const;

interface BetterAuthGlobal {
  readonly version: string;
  readonly epoch: number;
  readonly context: Record<string, unknown>;
}

/** Gives better-auth such storages, where it has none yet. */
export function passThroughBetterAuth(): void {
  const process = globalThis as { [BETTER_AUTH]?: BetterAuthGlobal };
  process[BETTER_AUTH] ??= { version: '', epoch: 0, context: {} };
  const { context } = process[BETTER_AUTH];
  for (const name of OF_BETTER_AUTH) context[name] ??= new PassingStorage<unknown>();
}
