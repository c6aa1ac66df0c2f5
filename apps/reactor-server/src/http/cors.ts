import type { ReactorEnv } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';

/** What a page of another origin may read of an answer, beside its body. */
const EXPOSED_HEADERS = [
  'X-Request-Id',
  'ETag',
  'Location',
  'Content-Range',
  'X-Affected-Rows',
  'Preference-Applied',
  'Retry-After',
  // better-auth's session token, which the body of a sign-in has too.
  'Set-Auth-Token',
];

/**
 * Lets pages of exactly these origins call. Their cookies go to auth alone: the other capabilities know none, and an
 * answer to a request without cookies holds nothing that its page could not have had.
 */
export function allowPagesOf(origins: readonly string[]): MiddlewareHandler<ReactorEnv> {
  const allowed = new Set(origins);
  // Asked only for an origin of the list, and then with the origin itself: never `*`, which must not go with cookies.
  const options = { origin: (origin: string) => origin, exposeHeaders: EXPOSED_HEADERS, maxAge: 600 };
  const withoutCookies = cors(options);
  const withCookies = cors({ ...options, credentials: true });
  return async (c, next) => {
    const origin = c.req.header('Origin');
    if (origin !== undefined && allowed.has(origin)) {
      return (c.get('capability') === 'auth' ? withCookies : withoutCookies)(c, next);
    }
    await next();
    // A cache must not give this answer to a page that would get another.
    c.header('Vary', 'Origin', { append: true });
  };
}
