import { isUtf8 } from 'node:buffer';
import { coreErrors, type ReactorEnv } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';

/** Refuses a body with other bytes than UTF-8, which would become U+FFFD in silence. Names the migration they are in. */
export const utf8Bodies: MiddlewareHandler<ReactorEnv> = async (c, next) => {
  // Hono keeps what was read, so that the route can read it too.
  const bytes = c.req.raw.body === null ? new ArrayBuffer(0) : await c.req.arrayBuffer();
  if (!isUtf8(bytes)) {
    const text = new TextDecoder().decode(bytes);
    const before = text.slice(0, text.indexOf('\uFFFD'));
    const name = /.*"name"\s*:\s*"([^"]*)"/s.exec(before)?.[1];
    throw coreErrors.create.invalid_request(
      `The body is not UTF-8${name === undefined ? '' : `: see the migration ${JSON.stringify(name)}`}. Save the file as UTF-8.`,
    );
  }
  await next();
};
