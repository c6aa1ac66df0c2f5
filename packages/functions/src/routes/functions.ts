import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  bearerSecurity,
  errorAnswer,
  jsonAnswer,
  limitBody,
  type ReactorEnv,
  type Services,
  systemOnly,
} from '@reactor/core';
import { functionsErrors } from '../errors.js';
import { assertNewFunctionName } from '../function-name.js';
import type { Lifecycle } from '../lifecycle.js';
import { functionJson, functionSchema } from './schemas.js';

const security = bearerSecurity;
const params = z.object({ name: z.string() });

const createBody = z
  .strictObject({
    name: z.string(),
    runtime: z.string().optional().describe('`bun`, which is also the default.'),
    description: z
      .string()
      .max(1024)
      .refine((text) => !/[\0\p{Surrogate}]/u.test(text), 'must be Unicode text without NUL')
      .nullable()
      .optional(),
  })
  .openapi('NewFunction');

const createFunction = createRoute({
  method: 'post',
  path: '/_admin/functions',
  summary: 'Create a function',
  security,
  request: { body: { required: true, content: { 'application/json': { schema: createBody } } } },
  responses: {
    201: jsonAnswer('The function', functionSchema),
    400: errorAnswer('invalid_function_name', 'unsupported_runtime', 'invalid_request'),
    409: errorAnswer('function_exists'),
    413: errorAnswer('payload_too_large'),
  },
});

const listFunctions = createRoute({
  method: 'get',
  path: '/_admin/functions',
  summary: 'All functions, by name',
  security,
  responses: { 200: jsonAnswer('The functions', z.object({ functions: z.array(functionSchema) })) },
});

const getFunction = createRoute({
  method: 'get',
  path: '/_admin/functions/{name}',
  summary: 'One function',
  security,
  request: { params },
  responses: { 200: jsonAnswer('The function', functionSchema), 404: errorAnswer('function_not_found') },
});

const deleteFunction = createRoute({
  method: 'delete',
  path: '/_admin/functions/{name}',
  summary: 'Delete a function with its deployments and variables',
  security,
  request: { params },
  responses: { 204: { description: 'It is gone.' }, 404: errorAnswer('function_not_found') },
});

/** Functions are the operator's: all of these need the admin token. @param maxBodyBytes of what describes a function */
export function addFunctionRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  services: Services<Pick<Lifecycle, 'functions'>>,
  maxBodyBytes: number,
): void {
  routes.openapi({ ...createFunction, middleware: [systemOnly, limitBody(maxBodyBytes)] }, async (c) => {
    const { name, runtime = 'bun', description } = c.req.valid('json');
    assertNewFunctionName(name);
    if (runtime !== 'bun') throw functionsErrors.create.unsupported_runtime('A function runs on "bun".');
    return c.json(functionJson(await services.of(c).functions.create(name, description ?? undefined)), 201);
  });

  routes.openapi({ ...listFunctions, middleware: systemOnly }, async (c) =>
    c.json({ functions: (await services.of(c).functions.list()).map(functionJson) }, 200),
  );

  routes.openapi({ ...getFunction, middleware: systemOnly }, async (c) =>
    c.json(functionJson(await services.of(c).functions.get(c.req.valid('param').name)), 200),
  );

  routes.openapi({ ...deleteFunction, middleware: systemOnly }, async (c) => {
    await services.of(c).functions.delete(c.req.valid('param').name);
    return c.body(null, 204);
  });
}
