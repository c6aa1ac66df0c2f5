import type { Queryable, Subscription } from './ports.js';

/**
 * Hints between processes that share a database or a broker. Delivery is not guaranteed: whoever subscribes can also
 * find out by asking, and asks when told of a gap.
 */
export interface Events {
  /**
   * @param subject words of `[A-Za-z0-9_-]`, with dots between them: `data.schema`. At most 200 characters
   * @param payload UTF-8 without NUL, at most 1 MiB
   * @param transaction to publish with its commit. One transaction publishes once, never once per row: those that
   *   publish wait for each other as they commit
   */
  publish(subject: string, payload?: string, transaction?: Queryable): Promise<void>;
  /**
   * @param pattern a subject in which `*` stands for one word and a last `>` for one or more
   * @param handler is called with one event at a time; what it throws is logged
   */
  subscribe(pattern: string, handler: (event: EventHint) => void | Promise<void>): Subscription;
}

/** `gap`: listening has begun, or has begun again, and what was published before may have been missed. */
export type EventHint =
  | { readonly kind: 'event'; readonly subject: string; readonly payload: string }
  | { readonly kind: 'gap' };
