import type { ReactorEnv } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';

/** Middleware: answers with tokens and users in them stay out of caches (RFC 6749 §5.1), unless the route says otherwise. */
export const noStore: MiddlewareHandler<ReactorEnv> = async (c, next) => {
  await next();
  if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store');
};
