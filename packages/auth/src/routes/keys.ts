import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { jsonAnswer, type ReactorEnv, type Services } from '@reactor/core';
import type { AuthService } from '../service.js';

const jwkSchema = z
  .looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), use: z.literal('sig') })
  .openapi('Jwk');

const getKeys = createRoute({
  method: 'get',
  path: '/keys',
  summary: 'Public keys that access tokens verify against (JWKS)',
  responses: { 200: jsonAnswer('The key set, newest first.', z.object({ keys: z.array(jwkSchema) })) },
});

/** `GET /keys`. */
export function addKeysRoute(routes: OpenAPIHono<ReactorEnv>, services: Services<AuthService>): void {
  routes.openapi(getKeys, async (c) => {
    // Verifiers fetch again by themselves when a token names a key they lack.
    c.header('Cache-Control', 'public, max-age=300');
    const { keys } = await services.of(c).keys.jwks();
    return c.json({ keys: keys as z.infer<typeof jwkSchema>[] }, 200);
  });
}
