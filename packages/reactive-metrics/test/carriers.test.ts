import { describe, expect, it } from 'vitest';
import { meteredIterable, meteredPromise, meteredStream } from '../src/index.js';
import { counted, distribution, flows, meterNames, timedRegistry } from './readings.js';

async function* upTo(count: number, failure?: Error): AsyncGenerator<number, string> {
  for (let value = 1; value <= count; value += 1) yield value;
  if (failure !== undefined) throw failure;
  return 'end';
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const value of values) collected.push(value);
  return collected;
}

function streamOf(...values: number[]): ReadableStream<number> {
  const rest = [...values];
  return new ReadableStream(
    {
      pull(controller) {
        const value = rest.shift();
        if (value === undefined) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
}

describe('meteredPromise', () => {
  it('R-23 R-61 records a Mono that ends at its value', async () => {
    const { registry, clock } = timedRegistry();
    const work = async () => {
      clock.advance(40);
      return 7;
    };
    expect(await meteredPromise(work, registry, { name: 'load', tags: { k: 'v' } })).toBe(7);
    expect(meterNames(registry)).toEqual(['load.subscribed', 'load.flow.duration']);
    const tags = { type: 'Mono', k: 'v', status: 'completed', exception: '' };
    expect(distribution(registry, 'load.flow.duration', tags)).toEqual({ count: 1, total: 40, max: 40 });
  });

  it('R-58 records rejections and throws, and passes them on', async () => {
    const { registry } = timedRegistry();
    const failure = new RangeError('x');
    await expect(meteredPromise(() => Promise.reject(failure), registry)).rejects.toBe(failure);
    const thrown = meteredPromise(() => {
      throw failure;
    }, registry);
    await expect(thrown).rejects.toBe(failure);
    expect(await meteredPromise(() => undefined, registry)).toBeUndefined();
    expect(flows(registry)).toEqual({ 'error:RangeError': 2, completed: 1 });
    await expect(meteredPromise(() => 1, undefined as never)).rejects.toThrow('meteredPromise needs a MeterRegistry');
  });
});

describe('meteredIterable', () => {
  it('R-21 R-124 records each next as a request for one, before its value', async () => {
    const { registry } = timedRegistry();
    const requested: number[] = [];
    const values = meteredIterable(
      (async function* () {
        for (const value of [1, 2]) {
          requested.push(distribution(registry, 'feed.requested').total);
          yield value;
        }
      })(),
      registry,
      { name: 'feed' },
    );
    expect(await collect(values)).toEqual([1, 2]);
    expect(requested).toEqual([1, 2]);
    expect(distribution(registry, 'feed.requested')).toEqual({ count: 3, total: 3, max: 1 });
    expect(distribution(registry, 'feed.onNext.delay').count).toBe(2);
    expect(flows(registry, 'feed')).toEqual({ completed: 1 });
  });

  it('R-21 has no demand where the stream is unnamed or a Mono', async () => {
    const { registry } = timedRegistry();
    await collect(meteredIterable(upTo(1), registry));
    await collect(meteredIterable(upTo(1), registry, { name: 'one', type: 'Mono' }));
    expect(meterNames(registry).some((meter) => meter.endsWith('requested'))).toBe(false);
  });

  it('R-55 records a break as cancelled, once, and runs the cleanup of the source', async () => {
    const { registry } = timedRegistry();
    let cleaned = false;
    const source = (async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        cleaned = true;
      }
    })();
    for await (const value of meteredIterable(source, registry)) {
      expect(value).toBe(1);
      break;
    }
    expect(cleaned).toBe(true);
    expect(flows(registry)).toEqual({ cancelled: 1 });
  });

  it('R-58 records errors and what is thrown into the iterator', async () => {
    const { registry } = timedRegistry();
    const failure = new RangeError('x');
    await expect(collect(meteredIterable(upTo(1, failure), registry))).rejects.toBe(failure);
    const iterator = meteredIterable(upTo(3), registry)[Symbol.asyncIterator]();
    await iterator.next();
    await expect(iterator.throw?.(failure)).rejects.toBe(failure);
    const bare = { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false as const, value: 1 }) }) };
    const other = meteredIterable(bare, registry)[Symbol.asyncIterator]();
    await expect(other.throw?.(failure)).rejects.toBe(failure);
    const third = meteredIterable(bare, registry)[Symbol.asyncIterator]();
    expect(await third.return?.(5)).toEqual({ done: true, value: 5 });
    expect(flows(registry)).toEqual({ 'error:RangeError': 3, cancelled: 1 });
  });

  it('R-66 takes repeated done answers as one end, and a value after it as malformed', async () => {
    const { registry } = timedRegistry();
    const answers: IteratorResult<number>[] = [
      { done: true, value: undefined },
      { done: true, value: undefined },
      { done: false, value: 7 },
    ];
    const source = { [Symbol.asyncIterator]: () => ({ next: async () => answers.shift() as IteratorResult<number> }) };
    const iterator = meteredIterable(source, registry)[Symbol.asyncIterator]();
    expect((await iterator.next()).done).toBe(true);
    expect((await iterator.next()).done).toBe(true);
    expect(counted(registry, 'reactor.malformed.source')).toBe(0);
    expect(await iterator.next()).toEqual({ done: false, value: 7 });
    expect(counted(registry, 'reactor.malformed.source')).toBe(1);
    expect(flows(registry)).toEqual({ completedEmpty: 1 });
    expect(() => meteredIterable([1] as never, registry)).toThrow('meteredIterable needs an async iterable');
  });

  it('R-58 records an iterable that cannot be iterated', () => {
    const { registry } = timedRegistry();
    const broken = {
      [Symbol.asyncIterator]: () => {
        throw new RangeError('x');
      },
    };
    const values = meteredIterable(broken, registry);
    expect(() => values[Symbol.asyncIterator]()).toThrow(RangeError);
    expect(flows(registry)).toEqual({ 'error:RangeError': 1 });
  });

  it('R-1 registers nothing before it is iterated, and each iteration is a subscription', async () => {
    const { registry } = timedRegistry();
    const values = meteredIterable({ [Symbol.asyncIterator]: () => upTo(1) }, registry);
    expect(registry.meters()).toEqual([]);
    await collect(values);
    await collect(values);
    expect(counted(registry, 'reactor.subscribed')).toBe(2);
  });
});

describe('meteredStream', () => {
  it('R-21 records one request per read where nothing is queued', async () => {
    const { registry } = timedRegistry();
    const reader = meteredStream(streamOf(1, 2), registry, { name: 'feed' }).getReader();
    expect(distribution(registry, 'feed.requested').count).toBe(0);
    expect(await reader.read()).toEqual({ done: false, value: 1 });
    expect(distribution(registry, 'feed.requested')).toEqual({ count: 1, total: 1, max: 1 });
    expect(await reader.read()).toEqual({ done: false, value: 2 });
    expect((await reader.read()).done).toBe(true);
    expect(distribution(registry, 'feed.requested')).toEqual({ count: 3, total: 3, max: 1 });
    expect(distribution(registry, 'feed.onNext.delay').count).toBe(2);
    expect(flows(registry, 'feed')).toEqual({ completed: 1 });
  });

  it('R-21 records by how much the desired size of a queue has grown', async () => {
    const { registry } = timedRegistry();
    const strategy = { highWaterMark: 10, size: (value: number) => value };
    const reader = meteredStream(streamOf(4, 6, 3), registry, { name: 'feed', strategy }).getReader();
    const values: number[] = [];
    for (let step = await reader.read(); !step.done; step = await reader.read()) values.push(step.value);
    expect(values).toEqual([4, 6, 3]);
    // Ten at the start; whatever was delivered is wanted again.
    expect(distribution(registry, 'feed.requested')).toMatchObject({ total: 10 + 4 + 6 + 3, max: 10 });
  });

  it('R-55 R-58 records cancellations and errors, and passes them on', async () => {
    const { registry } = timedRegistry();
    let reason: unknown;
    const source = new ReadableStream<number>({
      cancel(given) {
        reason = given;
      },
    });
    await meteredStream(source, registry).cancel('enough');
    expect(reason).toBe('enough');
    const failure = new RangeError('x');
    const failing = new ReadableStream<number>({
      pull(controller) {
        controller.error(failure);
      },
    });
    await expect(meteredStream(failing, registry).getReader().read()).rejects.toBe(failure);
    expect(flows(registry)).toEqual({ cancelled: 1, 'error:RangeError': 1 });
    expect(() => meteredStream({} as never, registry)).toThrow('meteredStream needs a ReadableStream');
    const untouched = streamOf(1);
    expect(() => meteredStream(untouched, registry, { strategy: { highWaterMark: -1 } })).toThrow(RangeError);
    expect(untouched.locked).toBe(false);
    expect(counted(registry, 'reactor.subscribed')).toBe(2);
  });

  it('R-55 records a cancellation while a read is under way, once', async () => {
    const { registry } = timedRegistry();
    const reader = meteredStream(
      new ReadableStream<number>({ pull: () => new Promise(() => {}) }),
      registry,
    ).getReader();
    const pending = reader.read();
    await reader.cancel();
    expect((await pending).done).toBe(true);
    expect(flows(registry)).toEqual({ cancelled: 1 });
    expect(counted(registry, 'reactor.subscribed')).toBe(1);
  });

  it('R-10 pipes like the stream it wraps', async () => {
    const { registry } = timedRegistry();
    const doubled = new TransformStream<number, number>({
      transform: (value, controller) => controller.enqueue(value * 2),
    });
    const values: number[] = [];
    await meteredStream(streamOf(1, 2, 3), registry)
      .pipeThrough(doubled)
      .pipeTo(new WritableStream({ write: (value) => void values.push(value) }));
    expect(values).toEqual([2, 4, 6]);
    expect(flows(registry)).toEqual({ completed: 1 });
  });
});
