import type { Context } from 'hono';

/** What @hono/node-server gives a request, as far as it is needed here. */
interface Outgoing {
  readonly writableFinished: boolean;
  /** Also once it has closed. */
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): void;
  destroy(): void;
}

/** Node's own object of the answer; undefined in `app.request()` and on other runtimes. */
export function outgoingOf(c: Context): Outgoing | undefined {
  return (c.env as { readonly outgoing?: Outgoing } | undefined)?.outgoing;
}

/**
 * Ends the connection in the middle of an answer, the only way to say that it is not whole. False where there is none to
 * end: then the error of the body says so. In the place of that error, which the adapter would print.
 */
export function cutAnswer(c: Context): boolean {
  const outgoing = outgoingOf(c);
  outgoing?.destroy();
  return outgoing !== undefined;
}
