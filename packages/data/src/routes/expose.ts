import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { coreErrors, type ReactorEnv } from '@reactor/core';
import { describePrivileges } from '../grants/expose.js';
import type { Grants } from '../grants/grants.js';
import type { DataService } from '../service.js';
import { operatorOnly } from './admin.js';

const name = z.string().min(1).max(1_000);

const bodySchema = z
  .strictObject({
    names: z.array(name).min(1).max(10_000).optional().describe('Tables, views and functions of the schema public.'),
    all: z.literal(true).optional().describe('Everything that is withheld.'),
  })
  .openapi('Expose');

const exposedSchema = z.object({
  exposed: z.array(z.object({ name: z.string(), kind: z.string(), privileges: z.string() })),
  already: z.array(z.string()).describe('Named, and open before.'),
  skipped: z.array(z.object({ name: z.string(), kind: z.string(), reason: z.string() })),
});

const expose = createRoute({
  method: 'post',
  path: '/_admin/expose',
  summary: 'Open to requests what was in the database before Reactor, where row-level security is on',
  security: [{ bearer: [] }],
  request: { body: { required: true, content: { 'application/json': { schema: bodySchema } } } },
  responses: {
    200: { description: 'What was done', content: { 'application/json': { schema: exposedSchema } } },
    400: { description: '`invalid_request`: a name that is not there; nothing is exposed then.' },
  },
});

/** For the operator: gives the request roles their privileges on what is withheld from them. */
export function exposeRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  service: DataService,
  { grants }: { readonly grants: Grants },
): void {
  routes.openapi({ ...expose, middleware: operatorOnly(service) }, async (c) => {
    const { names, all } = c.req.valid('json');
    if ((names === undefined) === (all === undefined)) {
      throw coreErrors.create.invalid_request('Send either {"names":["orders"]} or {"all":true}.');
    }
    const { exposed, already, skipped } = await grants.expose(names);
    return c.json(
      {
        exposed: exposed.map((one) => ({ ...one, privileges: describePrivileges(one.privileges) })),
        already: [...already],
        skipped: [...skipped],
      },
      200,
    );
  });
}
