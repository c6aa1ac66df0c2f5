import type { MeterRegistry } from '../meters/meter-registry.js';
import type { SignalFlow } from '../signals/signal-flow.js';
import type { StreamOptions } from '../stream/options.js';
import { carrierFlow } from './carrier-flow.js';

/**
 * Measures an async iterable; each iteration is a subscription, each `next()` a request for one value, `return()`
 * (which `break` calls) a cancellation. Results pass unchanged.
 */
export function meteredIterable<T>(
  iterable: AsyncIterable<T>,
  registry: MeterRegistry,
  options: StreamOptions = {},
): AsyncIterable<T> {
  if (typeof iterable?.[Symbol.asyncIterator] !== 'function') {
    throw new TypeError('meteredIterable needs an async iterable');
  }
  const createFlow = carrierFlow<T>('meteredIterable', registry, options, true);
  return {
    [Symbol.asyncIterator]() {
      const flow = createFlow();
      flow.start();
      try {
        return new MeteredIterator(iterable[Symbol.asyncIterator](), flow);
      } catch (error) {
        if (flow.error(error)) flow.afterError(error);
        throw error;
      }
    },
  };
}

class MeteredIterator<T> implements AsyncIterator<T> {
  private done = false;

  constructor(
    private readonly inner: AsyncIterator<T>,
    private readonly flow: SignalFlow<T>,
  ) {}

  async next(...args: [] | [undefined]): Promise<IteratorResult<T>> {
    this.flow.request(1);
    return this.record(() => this.inner.next(...args));
  }

  async return(value?: T | PromiseLike<T>): Promise<IteratorResult<T>> {
    const cancelled = this.flow.cancel();
    try {
      return (await this.inner.return?.(value)) ?? { done: true, value: (await value) as T };
    } finally {
      if (cancelled) this.flow.afterCancel();
    }
  }

  async throw(error?: unknown): Promise<IteratorResult<T>> {
    return this.record(async () => {
      if (this.inner.throw === undefined) throw error;
      return this.inner.throw(error);
    });
  }

  private async record(step: () => Promise<IteratorResult<T>>): Promise<IteratorResult<T>> {
    let result: IteratorResult<T>;
    try {
      result = await step();
    } catch (error) {
      if (this.flow.error(error)) this.flow.afterError(error);
      throw error;
    }
    if (!result.done) this.flow.next(result.value);
    else if (!this.done) {
      // An iterator may say that it is done as often as it is asked.
      this.done = true;
      if (this.flow.complete()) this.flow.afterComplete();
    }
    return result;
  }
}
