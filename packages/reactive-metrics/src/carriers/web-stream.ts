import type { MeterRegistry } from '../meters/meter-registry.js';
import type { SignalFlow } from '../signals/signal-flow.js';
import type { StreamOptions } from '../stream/options.js';
import { carrierFlow } from './carrier-flow.js';

/** Options of {@link meteredStream}. */
export interface MeteredStreamOptions<T> extends StreamOptions {
  /** Queue of the stream given back; by default it holds nothing, so the source is read as the consumer reads. */
  readonly strategy?: QueueStrategy<T>;
}

/** A web stream's queuing strategy: how much the queue shall hold, and how much of that a chunk takes (1 by default). */
export interface QueueStrategy<T> {
  readonly highWaterMark?: number;
  readonly size?: (chunk: T) => number;
}

/**
 * Measures a web stream. The subscription is this call, which locks `readable`; a request is what the consumer's
 * `desiredSize` has grown by; `cancel()` is a cancellation. Read the stream that is given back instead.
 */
export function meteredStream<T>(
  readable: ReadableStream<T>,
  registry: MeterRegistry,
  options: MeteredStreamOptions<T> = {},
): ReadableStream<T> {
  if (typeof readable?.getReader !== 'function') throw new TypeError('meteredStream needs a ReadableStream');
  const createFlow = carrierFlow<T>('meteredStream', registry, options, true);
  const { strategy = { highWaterMark: 0 } } = options;
  return new ReadableStream<T>(new MeteredSource(readable, createFlow(), strategy), strategy);
}

class MeteredSource<T> implements UnderlyingDefaultSource<T> {
  // What was requested and has not been delivered yet, in the strategy's unit.
  private credit = 0;

  private reader: ReadableStreamDefaultReader<T> | undefined;

  constructor(
    private readonly readable: ReadableStream<T>,
    private readonly flow: SignalFlow<T>,
    private readonly strategy: QueueStrategy<T>,
  ) {}

  /** Called once the strategy was found to be in order: a wrong one leaves the source alone. */
  start(): void {
    this.reader = this.readable.getReader();
    this.flow.start();
  }

  async pull(controller: ReadableStreamDefaultController<T>): Promise<void> {
    // Without a queue the desired size stays 0 and only the call itself says that one more is wanted.
    const wanted = Math.max(controller.desiredSize ?? 0, 1);
    this.flow.request(wanted - this.credit);
    this.credit = Math.max(this.credit, wanted);
    const { reader } = this;
    if (reader === undefined) return;
    let step: ReadableStreamReadResult<T>;
    try {
      step = await reader.read();
    } catch (error) {
      const passed = this.flow.error(error);
      controller.error(error);
      if (passed) this.flow.afterError(error);
      return;
    }
    if (step.done) {
      const passed = this.flow.complete();
      // Cancelled while the read was under way: the stream is closed already.
      if (!passed) return;
      controller.close();
      this.flow.afterComplete();
      return;
    }
    this.credit -= this.strategy.size?.(step.value) ?? 1;
    if (this.flow.next(step.value)) controller.enqueue(step.value);
  }

  async cancel(reason: unknown): Promise<void> {
    const cancelled = this.flow.cancel();
    try {
      await this.reader?.cancel(reason);
    } finally {
      if (cancelled) this.flow.afterCancel();
    }
  }
}
