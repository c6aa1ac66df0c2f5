import { type Clock, type EventHandler, type EventHint, type Logger, LogThrottle, subjectMatcher } from '@reactor/core';
import type { EventsMetrics } from './metrics.js';
import type { Notification } from './notification.js';
import type { Payloads } from './payloads.js';

/**
 * Several times what one read from the socket brings, after which a quick handler has its turn. The payloads of those that
 * fit in a notification are 80 MB at most, which all subscribers share; others are read when it is their turn.
 */
const MAX_QUEUED = 10_000;

/** Anybody can make a handler too slow. Milliseconds. */
const LOG_INTERVAL_MS = 60_000;

const GAP = { kind: 'gap' } as const;

export interface SubscriberOptions {
  readonly pattern: string;
  readonly handler: EventHandler;
  readonly payloads: Payloads;
  readonly metrics: EventsMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Calls one handler with one event at a time, so that a slow one keeps nobody else waiting. */
export class Subscriber {
  /** Whether it wants to hear of this subject. */
  readonly matches: (subject: string) => boolean;
  readonly #options: SubscriberOptions;
  readonly #tooSlow: LogThrottle;
  #queue: (Notification | typeof GAP)[] = [];
  #working: Promise<void> | undefined;

  /** @throws RangeError for a pattern of another form */
  constructor(options: SubscriberOptions) {
    this.matches = subjectMatcher(options.pattern);
    this.#options = options;
    const { pattern, logger, clock } = options;
    this.#tooSlow = new LogThrottle(clock, LOG_INTERVAL_MS, (count) =>
      logger.warn('an event handler is too slow', { pattern, count, dropped: count * MAX_QUEUED }),
    );
  }

  push(notification: Notification): void {
    if (this.#queue.length < MAX_QUEUED) {
      this.#add(notification);
      return;
    }
    // A subscriber that asks again learns all of it.
    this.#queue = [];
    this.#tooSlow.happened();
    this.gap('overflow');
  }

  gap(reason: 'listening' | 'polled' | 'overflow'): void {
    if (this.#queue.at(-1) === GAP) return;
    this.#options.metrics.gap(reason);
    this.#add(GAP);
  }

  /** Calls nothing any more, and waits for what was called. */
  async stop(): Promise<void> {
    this.#queue = [];
    await this.#working;
  }

  #add(entry: Notification | typeof GAP): void {
    this.#queue.push(entry);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  async #work(): Promise<void> {
    // Not before `subscribe` has returned.
    await Promise.resolve();
    const { pattern, handler, metrics, logger } = this.#options;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      try {
        await handler(await this.#toEvent(next));
        metrics.handled('ok');
      } catch (error) {
        metrics.handled('failed');
        logger.error('an event handler failed', { pattern, error });
      }
    }
  }

  async #toEvent(entry: Notification | typeof GAP): Promise<EventHint> {
    if ('kind' in entry) return entry;
    const { subject } = entry;
    const payload = 'payload' in entry ? entry.payload : await this.#options.payloads.get(entry.id);
    if (payload !== undefined) return { kind: 'event', subject, payload };
    this.#options.metrics.gap('payload_gone');
    return GAP;
  }
}
