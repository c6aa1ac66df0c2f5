import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { type Database, type ReactorEnv, requestSignal, requireCaller } from '@reactor/core';
import { type DataService, withSchema } from '../service.js';
import { readTypeFacts } from '../types/facts.js';
import { describeInTypeScript } from '../types/typescript.js';
import { answered } from './answered.js';
import { respond } from './respond.js';

/** The schema as source text for programs that use it. */
export function typesRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  service: DataService,
  { database }: { readonly database: Database },
): void {
  const typescript = answered(service, 'describe', (c, principal) => {
    requireCaller(c);
    return withSchema(service, principal, async (model) =>
      respond(
        describeInTypeScript(model, await readTypeFacts(database, model.schema, { signal: requestSignal(c) })),
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
    security: [{ bearer: [] }],
    responses: {
      200: { description: 'Source text', content: { 'text/typescript': { schema: z.string() } } },
      401: { description: '`unauthorized`, `invalid_token`: it is for callers who are signed in' },
    },
  });
}
