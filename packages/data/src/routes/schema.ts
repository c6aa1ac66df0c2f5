import type { OpenAPIHono } from '@hono/zod-openapi';
import { coreErrors, type ReactorEnv, type Services } from '@reactor/core';
import { describeSchema } from '../schema/describe.js';
import type { DataService } from '../service.js';
import { withSchema } from '../with-schema.js';
import { answered } from './answered.js';
import { respond } from './respond.js';

/** GET of the mount point: OpenAPI of the tables and functions. */
export function addSchemaRoutes(routes: OpenAPIHono<ReactorEnv>, services: Services<DataService>): void {
  const describe = answered(services, 'describe', (c, principal, service) => {
    if (principal.kind === 'anonymous') {
      throw coreErrors.create.unauthorized('The description of the schema is for callers who are signed in.', {
        headers: { 'WWW-Authenticate': 'Bearer' },
      });
    }
    const { pathname } = new URL(c.req.url);
    return withSchema(service, principal, async (model) =>
      respond(JSON.stringify(describeSchema(model, pathname.replace(/\/$/, '') || '/')), 200, {
        'Content-Type': 'application/openapi+json; charset=utf-8',
      }),
    );
  });
  routes.get('/', describe);
  // With the slash, as PostgREST's clients ask. To Hono that is another path, written with a parameter that is empty.
  routes.get('/:slash{()}', describe);
}
