import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { bearerSecurity, errorAnswer, type ReactorEnv } from '@reactor/core';

/** Those that OpenAPI describes; a function is called by every other one too. */
export const DESCRIBED_METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

const name = z.string().describe('Of the function.');
const path = z.string().describe('What the function sees as the path, with the query; may contain slashes.');

const headers = {
  'X-Reactor-Function': { description: 'Its name', schema: { type: 'string' as const } },
  'X-Reactor-Cold-Start': {
    description: 'Whether a process was started for the call',
    schema: { type: 'string' as const, enum: ['true', 'false'] },
  },
  'X-Reactor-Duration-Ms': { description: 'Until the head of the answer', schema: { type: 'integer' as const } },
};

/** Describes the routes of `addInvokeRoutes`: what goes in and comes out is the app's. */
export function describeInvokeRoutes({ openAPIRegistry }: OpenAPIHono<ReactorEnv>): void {
  for (const method of DESCRIBED_METHODS) {
    for (const [at, params] of [
      ['/{name}', z.object({ name })],
      ['/{name}/{path}', z.object({ name, path })],
    ] as const) {
      openAPIRegistry.registerPath({
        method,
        path: at,
        summary: 'Call a function',
        description: 'Anybody may call a `public` one, signed-in users one for `users`, the operator each.',
        security: [{}, ...bearerSecurity],
        request: { params },
        responses: {
          200: { description: 'What the function answers; the status is its own, too', headers },
          401: errorAnswer('unauthorized', 'invalid_token'),
          403: errorAnswer('forbidden'),
          404: errorAnswer('function_not_found'),
          413: errorAnswer('payload_too_large'),
          429: errorAnswer('too_many_requests'),
          500: errorAnswer('function_crashed', 'response_too_large', 'secrets_unreadable'),
          502: errorAnswer('runtime_error'),
          503: errorAnswer('deployment_not_ready', 'cold_start_failed'),
          504: errorAnswer('function_timeout'),
        },
      });
    }
  }
}
