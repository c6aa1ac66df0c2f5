import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  bearerSecurity,
  coreErrors,
  errorAnswer,
  jsonAnswer,
  limitBody,
  type ReactorEnv,
  type Services,
  systemOnly,
} from '@reactor/core';
import type { Lifecycle } from '../lifecycle.js';
import { variableJson, variableSchema } from './schemas.js';

const security = bearerSecurity;
const params = z.object({ name: z.string() });
const keyParams = params.extend({ key: z.string() });

const setBody = z
  .strictObject({
    value: z.string(),
    is_secret: z.boolean().optional().describe('A secret is kept encrypted and never shown. Default: false.'),
    secret: z.boolean().optional().describe('The same as `is_secret`.'),
  })
  .openapi('NewVariable');

const setVariable = createRoute({
  method: 'put',
  path: '/_admin/functions/{name}/env/{key}',
  summary: 'Set a variable of a function; the next call sees it',
  security,
  request: { params: keyParams, body: { required: true, content: { 'application/json': { schema: setBody } } } },
  responses: {
    204: { description: 'It is set.' },
    400: errorAnswer('env_key_invalid', 'invalid_request'),
    404: errorAnswer('function_not_found'),
    413: errorAnswer('payload_too_large'),
  },
});

const listVariables = createRoute({
  method: 'get',
  path: '/_admin/functions/{name}/env',
  summary: 'Variables of a function, by name; secrets without their values',
  security,
  request: { params },
  responses: {
    200: jsonAnswer('The variables', z.object({ env: z.array(variableSchema) })),
    404: errorAnswer('function_not_found'),
  },
});

const getVariable = createRoute({
  method: 'get',
  path: '/_admin/functions/{name}/env/{key}',
  summary: 'One variable; a secret without its value',
  security,
  request: { params: keyParams },
  responses: {
    200: jsonAnswer('The variable', variableSchema),
    404: errorAnswer('function_not_found', 'env_key_not_found'),
  },
});

const deleteVariable = createRoute({
  method: 'delete',
  path: '/_admin/functions/{name}/env/{key}',
  summary: 'Delete a variable of a function',
  security,
  request: { params: keyParams },
  responses: {
    204: { description: 'It is gone.' },
    404: errorAnswer('function_not_found', 'env_key_not_found'),
  },
});

/** Variables are the operator's: all of these need the admin token. @param maxBodyBytes of what sets a variable */
export function addEnvironmentRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  services: Services<Pick<Lifecycle, 'environment'>>,
  maxBodyBytes: number,
): void {
  routes.openapi({ ...setVariable, middleware: [systemOnly, limitBody(maxBodyBytes)] }, async (c) => {
    const { name, key } = c.req.valid('param');
    const { value, is_secret: isSecret, secret } = c.req.valid('json');
    if (isSecret !== undefined && secret !== undefined && isSecret !== secret) {
      throw coreErrors.create.invalid_request('is_secret and secret mean the same and must not differ.');
    }
    await services.of(c).environment.set(name, key, value, isSecret ?? secret ?? false);
    return c.body(null, 204);
  });

  routes.openapi({ ...listVariables, middleware: systemOnly }, async (c) => {
    const found = await services.of(c).environment.list(c.req.valid('param').name);
    return c.json({ env: found.map(variableJson) }, 200);
  });

  routes.openapi({ ...getVariable, middleware: systemOnly }, async (c) => {
    const { name, key } = c.req.valid('param');
    return c.json(variableJson(await services.of(c).environment.get(name, key)), 200);
  });

  routes.openapi({ ...deleteVariable, middleware: systemOnly }, async (c) => {
    const { name, key } = c.req.valid('param');
    await services.of(c).environment.delete(name, key);
    return c.body(null, 204);
  });
}
