import type { Context } from 'hono';
import { type ReactorEnv, requestOf } from './env.js';
import { outgoingOf } from './node-response.js';
import { RequestSignal } from './request-signal.js';

/** Aborts when the client of this request leaves, or the server gives the request up. The same for each call. */
export function signalOfRequest(c: Context<ReactorEnv>): RequestSignal {
  const request = requestOf(c);
  if (request.signal !== undefined) return request.signal;
  const signal = new RequestSignal();
  request.signal = signal;
  const left = () => signal.abort(new Error('the client left'));
  const outgoing = outgoingOf(c);
  if (outgoing === undefined) c.req.raw.signal.addEventListener('abort', left, { once: true });
  else outgoing.once('close', () => outgoing.writableFinished || left());
  return signal;
}
