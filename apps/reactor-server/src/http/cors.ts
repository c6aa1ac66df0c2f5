import { type Capability, type ReactorEnv, SERVER_LABEL } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';

/** What a page of another origin may read of any answer, beside its body. */
const EXPOSED_HEADERS = ['X-Request-Id', 'Retry-After'];

/**
 * Lets pages of exactly these origins call. Their cookies go only to capabilities that use some: an answer to a request
 * without cookies holds nothing that its page could not have had.
 */
export function allowPagesOf(
  origins: readonly string[],
  capabilities: readonly Capability[],
): MiddlewareHandler<ReactorEnv> {
  const allowed = new Set(origins);
  const answerFor = ({ exposedHeaders = [], usesCookies }: Pick<Capability, 'exposedHeaders' | 'usesCookies'>) =>
    cors({
      // Asked only for an origin of the list, and then with the origin itself: never `*`, which must not go with cookies.
      origin: (origin) => origin,
      exposeHeaders: [...EXPOSED_HEADERS, ...exposedHeaders],
      maxAge: 600,
      credentials: usesCookies === true,
    });
  const ofServer = answerFor({});
  const byCapability = new Map(capabilities.map((capability) => [capability.name, answerFor(capability)]));
  return async (c, next) => {
    const origin = c.req.header('Origin');
    if (origin !== undefined && allowed.has(origin)) {
      return (byCapability.get(c.get('capability') ?? SERVER_LABEL) ?? ofServer)(c, next);
    }
    await next();
    // A cache must not give this answer to a page that would get another.
    c.header('Vary', 'Origin', { append: true });
  };
}
