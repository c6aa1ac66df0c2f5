import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { HealthResult, ReactorEnv } from '@reactor/core';
import type { SigningKeys } from '../signing-keys.js';
import { json } from './schemas.js';

const jwkSchema = z
  .looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), use: z.literal('sig') })
  .openapi('Jwk');

const getKeys = createRoute({
  method: 'get',
  path: '/keys',
  tags: ['auth'],
  summary: 'Public keys that access tokens verify against (JWKS)',
  responses: { 200: json(z.object({ keys: z.array(jwkSchema) }), 'The key set, newest first.') },
});

const getHealth = createRoute({
  method: 'get',
  path: '/health',
  tags: ['auth'],
  summary: 'Whether auth can serve',
  responses: {
    200: json(z.object({ status: z.literal('ok'), version: z.string() }), 'It can.'),
    503: json(z.object({ status: z.literal('error'), version: z.string(), reason: z.string() }), 'It cannot.'),
  },
});

export interface PublicRoutesContext {
  readonly keys: SigningKeys;
  readonly checkHealth: () => Promise<HealthResult>;
  readonly version: string;
}

/** `GET /keys` and `GET /health`. */
export function addPublicRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  { keys, checkHealth, version }: PublicRoutesContext,
): void {
  routes.openapi(getKeys, async (c) => {
    // Verifiers fetch again by themselves when a token names a key they lack.
    c.header('Cache-Control', 'public, max-age=300');
    const { keys: found } = await keys.jwks();
    return c.json({ keys: found as z.infer<typeof jwkSchema>[] }, 200);
  });
  routes.openapi(getHealth, async (c) => {
    const result = await checkHealth();
    if (result.status === 'ok') return c.json({ status: 'ok' as const, version }, 200);
    return c.json({ status: 'error' as const, version, reason: result.reason }, 503);
  });
}
