import type { Queryable } from './queryable.js';

/**
 * Hints between processes that share a database or a broker. Delivery is not guaranteed: a subscriber can also
 * find out by asking, and asks when told of a gap. Others may read and forge them: no secret in a payload, and no
 * authorization in an event.
 */
export interface Events {
  /**
   * @param subject words of `[A-Za-z0-9_-]`, with dots between them: `data.schema`. At most 200 characters
   * @param payload Unicode without NUL and lone surrogates, at most 1 MiB. Default: empty
   * @param transaction to publish with its commit. One transaction publishes once, never once per row: those that
   *   publish wait for each other as they commit
   * @throws RangeError for a subject or a payload of another form
   */
  publish(subject: string, payload?: string, transaction?: Queryable): Promise<void>;
  /**
   * @param pattern a subject in which `*` stands for one word and a last `>` for one or more
   * @param handler is called with one event at a time, in their order; what it throws is logged. One that is too slow
   *   gets a gap for what it did not keep up with. `stop` waits for it, so it must not wait for its own `stop`; as the
   *   database closes it is waited for five seconds
   * @throws RangeError for a pattern of another form
   */
  subscribe(pattern: string, handler: EventHandler): Subscription;
}

/** What a subscriber does with an event. */
export type EventHandler = (event: EventHint) => void | Promise<void>;

/**
 * `gap`: something may have been missed. It comes as listening begins and each time it begins again, when the handler was
 * too slow or a payload is gone, and every few seconds where nothing can be listened to.
 */
export type EventHint =
  | { readonly kind: 'event'; readonly subject: string; readonly payload: string }
  | { readonly kind: 'gap' };

/** What was subscribed to, until `stop`. */
export interface Subscription {
  /** Resolves once nothing is called any more and what only it needed is closed. Safe twice. */
  stop(): Promise<void>;
}
