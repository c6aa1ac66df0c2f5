import { type Capability, type CapabilityName, type ReactorEnv, requestOf } from '@reactor/core';
import type { AnswerHeaders, CorsPolicy } from '@reactor/observability';
import type { MiddlewareHandler } from 'hono';

/** What a page of another origin may read of any answer, beside its body. */
const EXPOSED_HEADERS = ['X-Request-Id', 'Retry-After'];
const METHODS = 'GET,HEAD,PUT,POST,DELETE,PATCH';
/** Seconds. Chromium keeps the answer to a preflight for two hours at most, Firefox for a day. */
const MAX_AGE_SECONDS = '600';

/**
 * Lets pages of exactly these origins call. Their cookies go only to capabilities that use some: an answer to a request
 * without cookies holds nothing that its page could not have had.
 * @returns undefined where no origin may
 */
export function allowPagesOf(origins: readonly string[], capabilities: readonly Capability[]): CorsPolicy | undefined {
  if (origins.length === 0) return undefined;
  const ofServer = headersByOrigin(origins, {});
  const byCapability = new Map<CapabilityName, ReadonlyMap<string, AnswerHeaders>>(
    capabilities.map((capability) => [capability.name, headersByOrigin(origins, capability)]),
  );
  return {
    headersFor: (origin, capability) =>
      origin === undefined ? undefined : (byCapability.get(capability) ?? ofServer).get(origin),
  };
}

function headersByOrigin(
  origins: readonly string[],
  { exposedHeaders = [], usesCookies }: Pick<Capability, 'exposedHeaders' | 'usesCookies'>,
): ReadonlyMap<string, AnswerHeaders> {
  const headersFor = (origin: string): AnswerHeaders => ({
    // The origin itself, never `*`, which must not go with cookies.
    'access-control-allow-origin': origin,
    'access-control-expose-headers': [...EXPOSED_HEADERS, ...exposedHeaders].join(','),
    ...(usesCookies === true ? { 'access-control-allow-credentials': 'true' } : {}),
  });
  return new Map(origins.map((origin) => [origin, headersFor(origin)]));
}

/** Answers what browsers ask before a request that is not simple; that the origin may is among the headers of any answer. */
export function answerPreflights({ headersFor }: CorsPolicy): MiddlewareHandler<ReactorEnv> {
  return async (c, next) => {
    const allowed = headersFor(c.req.header('Origin'), requestOf(c).capability ?? '') !== undefined;
    if (!allowed || c.req.header('Access-Control-Request-Method') === undefined) return next();
    const wanted = c.req.header('Access-Control-Request-Headers');
    return c.body(null, 204, {
      'Access-Control-Allow-Methods': METHODS,
      'Access-Control-Max-Age': MAX_AGE_SECONDS,
      ...(wanted === undefined
        ? {}
        : { 'Access-Control-Allow-Headers': wanted, Vary: 'Access-Control-Request-Headers' }),
    });
  };
}
