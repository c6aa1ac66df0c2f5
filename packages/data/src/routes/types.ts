import { type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  bearerSecurity,
  errorAnswer,
  type ReactorEnv,
  requireCaller,
  type Services,
  signalOfRequest,
} from '@reactor/core';
import type { DataService } from '../service.js';
import { readTypeFacts } from '../types/facts.js';
import { describeInTypeScript } from '../types/typescript.js';
import { withSchema } from '../with-schema.js';
import { answered } from './answered.js';
import { respond } from './respond.js';

/** The schema as source text for programs that use it. */
export function addTypesRoutes(routes: OpenAPIHono<ReactorEnv>, services: Services<DataService>): void {
  const typescript = answered(services, 'describe', (c, principal, service) => {
    requireCaller(c);
    return withSchema(service, principal, async (model) =>
      respond(
        describeInTypeScript(
          model,
          await readTypeFacts(service.database, model.schema, { signal: signalOfRequest(c) }),
        ),
        200,
        {
          'Content-Type': 'text/typescript; charset=utf-8',
        },
      ),
    );
  });
  routes.get('/_admin/types/typescript', typescript);
  routes.openAPIRegistry.registerPath({
    method: 'get',
    path: '/_admin/types/typescript',
    summary: 'The type `Database` of the tables and functions, for clients in TypeScript',
    security: bearerSecurity,
    responses: {
      200: { description: 'Source text', content: { 'text/typescript': { schema: z.string() } } },
      401: errorAnswer('unauthorized', 'invalid_token'),
    },
  });
}
