import type { Context } from 'hono';
import type { CancelSignal } from '../ports.js';
import type { ReactorEnv } from './env.js';
import { outgoingOf } from './node-response.js';

/** Says that nobody waits for the answer any more. An AbortController would cost each request several microseconds. */
export class RequestSignal implements CancelSignal {
  aborted = false;
  reason: unknown;
  readonly #listeners = new Set<() => void>();

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}

/** Aborts when the client of this request leaves, or the server gives the request up. The same for each call. */
export function requestSignal(c: Context<ReactorEnv>): RequestSignal {
  const existing = c.get('signal');
  if (existing !== undefined) return existing;
  const signal = new RequestSignal();
  c.set('signal', signal);
  const left = () => signal.abort(new Error('the client left'));
  const outgoing = outgoingOf(c);
  if (outgoing === undefined) c.req.raw.signal.addEventListener('abort', left, { once: true });
  else outgoing.once('close', () => outgoing.writableFinished || left());
  return signal;
}
