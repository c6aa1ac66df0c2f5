import type { Context } from 'hono';

/** What @hono/node-server gives a request, as far as it is needed here. */
interface Outgoing {
  readonly writableFinished: boolean;
  /** Also once it has closed. */
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): void;
}

/** Node's own object of the answer; undefined in `app.request()` and on other runtimes. */
export function outgoingOf(c: Context): Outgoing | undefined {
  return (c.env as { readonly outgoing?: Outgoing } | undefined)?.outgoing;
}
