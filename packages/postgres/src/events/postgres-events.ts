import {
  type Clock,
  checkEvent,
  type Database,
  type EventHandler,
  type Events,
  LogThrottle,
  type Queryable,
  type Subscription,
  settledBefore,
} from '@reactor/core';
import { Listener, type ListeningOptions } from './listener.js';
import type { EventsMetrics } from './metrics.js';
import { decodeNotification, EVENTS_CHANNEL, encodeNotification } from './notification.js';
import { Payloads } from './payloads.js';
import { Subscriber } from './subscriber.js';

/** Anybody in the database can send what is no event. Milliseconds. */
const LOG_INTERVAL_MS = 60_000;

export interface PostgresEventsOptions extends ListeningOptions {
  /** What is published without a transaction, and long payloads, go through it. */
  readonly database: () => Database;
  readonly metrics: EventsMetrics;
  readonly clock: Clock;
}

/** `Events` by LISTEN and NOTIFY. All subscribers share one connection, which the first of them opens and the last closes. */
export class PostgresEvents implements Events {
  readonly #options: PostgresEventsOptions;
  readonly #payloads: Payloads;
  readonly #malformed: LogThrottle;
  readonly #subscribers = new Set<Subscriber>();
  #listener: Listener | undefined;
  #closing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: PostgresEventsOptions) {
    this.#options = options;
    this.#payloads = new Payloads(options.database);
    this.#malformed = new LogThrottle(options.clock, LOG_INTERVAL_MS, (count) =>
      options.logger.warn('a notification is not an event', {
        accepted: `NOTIFY ${EVENTS_CHANNEL}, '<subject> <payload>'`,
        count,
      }),
    );
  }

  async publish(subject: string, payload = '', transaction: Queryable = this.#options.database()): Promise<void> {
    checkEvent(subject, payload);
    const text =
      encodeNotification({ subject, payload }) ??
      encodeNotification({ subject, id: await this.#payloads.put(payload, transaction) });
    await transaction.query('SELECT pg_catalog.pg_notify($1, $2)', [EVENTS_CHANNEL, text]);
  }

  subscribe(pattern: string, handler: EventHandler): Subscription {
    if (this.#closed) throw new Error('the database is closed');
    const { metrics, logger, clock } = this.#options;
    const subscriber = new Subscriber({ pattern, handler, payloads: this.#payloads, metrics, logger, clock });
    this.#subscribers.add(subscriber);
    this.#listener ??= new Listener(
      {
        ...this.#options,
        onNotification: (text) => this.#onNotification(text),
        onGap: (reason) => {
          for (const one of this.#subscribers) one.gap(reason);
        },
      },
      this.#closing,
    );
    if (this.#listener.hears !== undefined) subscriber.gap(this.#listener.hears);
    return { stop: () => this.#stop(subscriber) };
  }

  /** Ends what subscribers have left, and waits for their handlers until `deadline` aborts. Safe twice. */
  async close(deadline: AbortSignal): Promise<void> {
    this.#closed = true;
    await settledBefore(Promise.all([...this.#subscribers].map((subscriber) => this.#stop(subscriber))), deadline);
    await this.#closing;
  }

  async #stop(subscriber: Subscriber): Promise<void> {
    this.#subscribers.delete(subscriber);
    if (this.#subscribers.size === 0 && this.#listener !== undefined) {
      this.#closing = this.#listener.stop();
      this.#listener = undefined;
    }
    await Promise.all([subscriber.stop(), this.#subscribers.size === 0 ? this.#closing : undefined]);
  }

  #onNotification(text: string): void {
    const notification = decodeNotification(text);
    if (notification === undefined) {
      this.#options.metrics.malformed();
      this.#malformed.happened();
      return;
    }
    for (const subscriber of this.#subscribers) {
      if (subscriber.matches(notification.subject)) subscriber.push(notification);
    }
  }
}
