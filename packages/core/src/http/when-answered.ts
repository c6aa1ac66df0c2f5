import type { Context } from 'hono';
import { outgoingOf } from './node-response.js';

/**
 * Runs `next`, and then `ended` once the answer has been sent or its client has left; not before the handler is done,
 * which may work on after its client has left.
 */
export async function whenAnswered(c: Context, next: () => Promise<void>, ended: () => void): Promise<void> {
  const outgoing = outgoingOf(c);
  let [handled, closed] = [false, outgoing === undefined];
  outgoing?.once('close', () => {
    closed = true;
    if (handled) ended();
  });
  try {
    await next();
    if (outgoing === undefined && c.res.body !== null) {
      closed = false;
      c.res = new Response(endingWith(c.res.body, ended), c.res);
    }
  } finally {
    handled = true;
    if (closed) ended();
  }
}

/** The same stream, that says when it was read to its end or given up. */
function endingWith(body: ReadableStream<Uint8Array>, ended: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) return controller.enqueue(value);
          ended();
          controller.close();
        } catch (error) {
          ended();
          throw error;
        }
      },
      async cancel(reason) {
        ended();
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
