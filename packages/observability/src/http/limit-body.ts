import { coreErrors, type ReactorEnv } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';

/**
 * Middleware: refuses a request body of more than `maxSizeBytes` with `payload_too_large` (413). A declared length is
 * refused before anything is read; a body without one is counted as it streams, and reading it fails at the limit.
 */
export function limitBody(maxSizeBytes: number): MiddlewareHandler<ReactorEnv> {
  const tooLarge = () =>
    coreErrors.create.payload_too_large(`The request body is larger than ${maxSizeBytes} bytes.`, {
      details: { max_size_bytes: maxSizeBytes },
    });
  return async (c, next) => {
    const { raw } = c.req;
    const declared = raw.headers.get('Content-Length');
    if (declared !== null && !raw.headers.has('Transfer-Encoding')) {
      if (Number(declared) > maxSizeBytes) throw tooLarge();
    } else if (raw.method !== 'GET' && raw.method !== 'HEAD' && raw.body !== null) {
      let size = 0;
      const counted = raw.body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            size += chunk.byteLength;
            if (size > maxSizeBytes) controller.error(tooLarge());
            else controller.enqueue(chunk);
          },
        }),
      );
      c.req.raw = new Request(raw, { body: counted, duplex: 'half' } as RequestInit);
    }
    await next();
  };
}
