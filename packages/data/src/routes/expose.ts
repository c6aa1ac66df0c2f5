import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  allowLongAnswer,
  bearerSecurity,
  coreErrors,
  errorAnswer,
  jsonAnswer,
  type ReactorEnv,
  type Services,
} from '@reactor/core';
import { describePrivileges, type Open } from '../grants/expose.js';
import type { DataService } from '../service.js';
import { operatorOnly } from './admin.js';

const name = z.string().min(1).max(1_000);

const bodySchema = z
  .strictObject({
    names: z.array(name).min(1).max(10_000).optional().describe('Tables, views and functions of the schema public.'),
    all: z.literal(true).optional().describe('Everything that is withheld.'),
  })
  .openapi('Expose');

const open = z.object({
  name: z.string(),
  kind: z.string(),
  privileges: z.string().describe('By role; empty when nobody may use it.'),
});

const exposedSchema = z.object({
  exposed: z.array(open),
  already: z.array(open).describe('Named, and not withheld before.'),
  skipped: z.array(z.object({ name: z.string(), kind: z.string(), reason: z.string() })),
});

const expose = createRoute({
  method: 'post',
  path: '/_admin/expose',
  summary: 'Open to requests what was in the database before Reactor, where row-level security is on',
  security: bearerSecurity,
  request: { body: { required: true, content: { 'application/json': { schema: bodySchema } } } },
  responses: {
    200: jsonAnswer('What was done.', exposedSchema),
    // A name that is not there; nothing is exposed then.
    400: errorAnswer('invalid_request'),
    413: errorAnswer('payload_too_large'),
  },
});

/** For the operator: gives the request roles their privileges on what is withheld from them. */
export function addExposeRoutes(routes: OpenAPIHono<ReactorEnv>, services: Services<DataService>): void {
  routes.openapi({ ...expose, middleware: operatorOnly(services) }, async (c) => {
    const { names, all } = c.req.valid('json');
    if ((names === undefined) === (all === undefined)) {
      throw coreErrors.create.invalid_request('Send either {"names":["orders"]} or {"all":true}.');
    }
    // It waits for the locks of each table.
    allowLongAnswer(c);
    const { exposed, already, skipped } = await services.of(c).grants.expose(names);
    const inWords = (one: Open) => ({ ...one, privileges: describePrivileges(one.privileges) });
    return c.json(
      {
        exposed: exposed.map(inWords),
        already: already.map(inWords),
        skipped: [...skipped],
      },
      200,
    );
  });
}
