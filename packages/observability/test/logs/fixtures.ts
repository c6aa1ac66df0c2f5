import { PassThrough } from 'node:stream';
import type { Clock } from '@reactor/core';
import { onTestFinished } from 'vitest';
import { createLogging, type Logging, type LoggingOptions } from '../../src/logs/index.js';

/** A clock that stands until it is moved. */
export interface TestClock extends Clock {
  time: number;
}

export const START = Date.parse('2026-01-31T12:00:00.000Z');

export function testClock(): TestClock {
  const clock = { time: START, now: () => clock.time, monotonic: () => clock.time };
  return clock;
}

export interface TestLogging {
  readonly logging: Logging;
  readonly clock: TestClock;
  /** What was written to the destination so far. */
  output(): string;
}

/** A log of its own on a destination in memory, closed after the test. */
export function testLogging(options: Partial<LoggingOptions> = {}): TestLogging {
  const destination = new PassThrough({ highWaterMark: 64 * 1024 * 1024 });
  const clock = testClock();
  const logging = createLogging({ filter: 'trace', fmt: 'json', bootId: 'boot', destination, clock, ...options });
  onTestFinished(() => logging.close());
  let text = '';
  destination.on('data', (chunk) => {
    text += chunk;
  });
  return { logging, clock, output: () => text + (destination.read() ?? '') };
}

/** An event of a stream as the SSE grammar has it; comments come as `{ comment }`. */
export interface SseEvent {
  readonly event?: string;
  readonly id?: string;
  readonly data?: string;
  readonly comment?: string;
}

export function parseSse(text: string): SseEvent[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((frame) => {
      const event: Record<string, string> = {};
      for (const line of frame.split('\n')) {
        const colon = line.indexOf(':');
        event[colon === 0 ? 'comment' : line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, '');
      }
      return event;
    });
}

/** Reads events as they come. */
export class SseReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = '';
  readonly #events: SseEvent[] = [];

  constructor(body: ReadableStream<Uint8Array> | null) {
    if (body === null) throw new Error('the answer has no body');
    this.#reader = body.getReader();
    onTestFinished(() => this.#reader.cancel().catch(() => {}));
  }

  /** The next event; undefined at the end of the stream. */
  async next(): Promise<SseEvent | undefined> {
    while (this.#events.length === 0) {
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += this.#decoder.decode(value, { stream: true });
      const end = this.#text.lastIndexOf('\n\n') + 2;
      if (end === 1) continue;
      this.#events.push(...parseSse(this.#text.slice(0, end)));
      this.#text = this.#text.slice(end);
    }
    return this.#events.shift();
  }

  async take(count: number): Promise<SseEvent[]> {
    const events: SseEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (event === undefined) break;
      events.push(event);
    }
    return events;
  }

  async rest(): Promise<SseEvent[]> {
    return this.take(Number.POSITIVE_INFINITY);
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

/** The `message` or any other field of a log event's line. */
export function fieldOf(event: SseEvent | undefined, name = 'message'): unknown {
  return JSON.parse(event?.data ?? '{}').fields?.[name];
}
