import type { Context } from 'hono';
import { outgoingOf } from './node-response.js';

/**
 * Runs `work`, which answers, and then `ended` once the answer has been sent or its client has left; not before `work` is
 * done, which may go on after its client has left.
 * @param ended may be called twice
 */
export async function whenAnswered(c: Context, work: () => Promise<void>, ended: () => void): Promise<void> {
  const outgoing = outgoingOf(c);
  let [handled, closed] = [false, outgoing === undefined || outgoing.destroyed];
  outgoing?.once('close', () => {
    closed = true;
    if (handled) ended();
  });
  try {
    await work();
    // Hono drops the body of an answer to HEAD unread.
    if (outgoing === undefined && c.res.body !== null && c.req.method !== 'HEAD') {
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
