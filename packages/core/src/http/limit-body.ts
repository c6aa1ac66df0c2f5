import type { MiddlewareHandler } from 'hono';
import { coreErrors, type ReactorError } from '../errors.js';
import type { ReactorEnv } from './env.js';

/**
 * Middleware: refuses a request body of more than `maxSizeBytes` with `payload_too_large` (413), and ends the
 * connection, on which the rest of it would have to be read. A declared length is refused before anything is read; a
 * body without one is counted as it streams, and reading it fails at the limit. On a GET or HEAD nobody can read it, so
 * that it is not refused, but ends the connection too.
 */
export function limitBody(maxSizeBytes: number): MiddlewareHandler<ReactorEnv> {
  const tooLarge = () => payloadTooLarge(maxSizeBytes);
  return async (c, next) => {
    const { raw } = c.req;
    const declared = raw.headers.get('Content-Length');
    const chunked = raw.headers.has('Transfer-Encoding');
    let exceeded: Error | undefined;
    const readable = raw.method !== 'GET' && raw.method !== 'HEAD';
    if (declared !== null && !chunked) {
      if (Number(declared) > maxSizeBytes) throw tooLarge();
    } else if (readable && raw.body !== null) {
      c.req.raw = countBody(raw, raw.body, maxSizeBytes, () => {
        exceeded = tooLarge();
        return exceeded;
      });
    }
    await next();
    // The reader of the body may have called it malformed, as Hono's validator does with every failure.
    if (exceeded !== undefined && c.error !== undefined && c.error !== exceeded) throw exceeded;
    if (chunked && !readable) c.header('Connection', 'close');
  };
}

/** The connection ends with it: the rest of the body would have to be read. */
export function payloadTooLarge(maxSizeBytes: number): ReactorError {
  return coreErrors.create.payload_too_large(`The request body is larger than ${maxSizeBytes} bytes.`, {
    details: { max_size_bytes: maxSizeBytes },
    headers: { Connection: 'close' },
  });
}

function countBody(
  request: Request,
  body: ReadableStream<Uint8Array>,
  maxSizeBytes: number,
  tooLarge: () => Error,
): Request {
  let size = 0;
  const counted = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.byteLength;
        if (size > maxSizeBytes) controller.error(tooLarge());
        else controller.enqueue(chunk);
      },
    }),
  );
  return new Request(request, { body: counted, duplex: 'half' } as RequestInit);
}
