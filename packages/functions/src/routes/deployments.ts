import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  allowLongAnswer,
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
import type { DeploymentRef } from '../store/deployments.js';
import { deploymentJson, deploymentSchema, promotionJson, promotionSchema } from './schemas.js';

const security = bearerSecurity;
const params = z.object({ name: z.string() });

const DEPLOY_PATH = '/_admin/functions/:name/deployments';

const flag = z.enum(['true', 'false']).default('false');

const bundle = z.string().openapi({ format: 'binary' });

const listDeployments = createRoute({
  method: 'get',
  path: '/_admin/functions/{name}/deployments',
  summary: 'Deployments of a function, the newest first',
  security,
  request: {
    params,
    query: z.object({
      limit: z.coerce
        .number('must be a whole number from 1 to 100')
        .int('must be a whole number from 1 to 100')
        .min(1)
        .max(100)
        .default(20),
    }),
  },
  responses: {
    200: jsonAnswer('The deployments', z.object({ deployments: z.array(deploymentSchema) })),
    404: errorAnswer('function_not_found'),
  },
});

const getDeployment = createRoute({
  method: 'get',
  path: '/_admin/functions/{name}/deployments/{id}',
  summary: 'One deployment',
  security,
  request: { params: params.extend({ id: z.string() }) },
  responses: {
    200: jsonAnswer('The deployment', deploymentSchema),
    404: errorAnswer('function_not_found', 'deployment_not_found'),
  },
});

const promoteBody = z.strictObject({ deployment_id: z.string().optional() }).openapi('PromoteRequest');

const promote = createRoute({
  method: 'post',
  path: '/_admin/functions/{name}/promote',
  summary: 'Make a ready deployment the current one; without an id the newest',
  security,
  request: { params, body: { content: { 'application/json': { schema: promoteBody } } } },
  responses: {
    200: jsonAnswer('What was current, and what is', promotionSchema),
    400: errorAnswer('invalid_request'),
    404: errorAnswer('function_not_found', 'deployment_not_found'),
    413: errorAnswer('payload_too_large'),
  },
});

/** All spellings of the contract; one of them at most. */
const rollBackBody = z
  .strictObject({
    deployment_id: z.string().optional(),
    to_deployment_id: z.string().optional().describe('The same as `deployment_id`.'),
    version: z.int().min(1).max(2_147_483_647).optional().describe('In the place of an id.'),
  })
  .openapi('RollbackRequest');

const rollBack = createRoute({
  method: 'post',
  path: '/_admin/functions/{name}/rollback',
  summary: 'Make the highest ready version below the current one the current one, or the one that is named',
  security,
  request: { params, body: { content: { 'application/json': { schema: rollBackBody } } } },
  responses: {
    200: jsonAnswer('What was current, and what is', promotionSchema),
    400: errorAnswer('invalid_request'),
    404: errorAnswer('function_not_found', 'deployment_not_found'),
    409: errorAnswer('no_earlier_deployment'),
    413: errorAnswer('payload_too_large'),
  },
});

/** Deployments are the operator's: all of these need the admin token. @param maxBodyBytes of all but bundles */
export function addDeploymentRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  services: Services<Pick<Lifecycle, 'deployments'>>,
  maxBodyBytes: number,
): void {
  // Not by `createRoute`, which would read a form into memory.
  routes.post(DEPLOY_PATH, systemOnly, async (c) => {
    const promoted = parsePromote(c.req.query('promote'));
    // A large bundle on a slow line, then building and importing it.
    allowLongAnswer(c);
    const { headers, body, signal } = c.req.raw;
    const { deployments } = services.of(c);
    const { deployment, created } = await deployments.deploy(c.req.param('name'), { headers, body, signal }, promoted);
    return c.json(deploymentJson(deployment), created ? 201 : 200);
  });
  describeDeploy(routes);

  routes.openapi({ ...listDeployments, middleware: systemOnly }, async (c) => {
    const { name } = c.req.valid('param');
    const found = await services.of(c).deployments.list(name, c.req.valid('query').limit);
    return c.json({ deployments: found.map(deploymentJson) }, 200);
  });

  routes.openapi({ ...getDeployment, middleware: systemOnly }, async (c) => {
    const { name, id } = c.req.valid('param');
    return c.json(deploymentJson(await services.of(c).deployments.get(name, id)), 200);
  });

  const limited = [systemOnly, limitBody(maxBodyBytes)];
  routes.openapi({ ...promote, middleware: limited }, async (c) => {
    const { deployment_id: id } = c.req.valid('json');
    const { deployments } = services.of(c);
    return c.json(promotionJson(await deployments.promote(c.req.valid('param').name, oneOf({ id }))), 200);
  });

  routes.openapi({ ...rollBack, middleware: limited }, async (c) => {
    const { deployment_id: id, to_deployment_id: alias, version } = c.req.valid('json');
    const { deployments } = services.of(c);
    return c.json(
      promotionJson(await deployments.rollBack(c.req.valid('param').name, oneOf({ id, alias, version }))),
      200,
    );
  });
}

/** @throws ReactorError `invalid_request` (400) */
function parsePromote(value: string | undefined): boolean {
  const { data } = flag.safeParse(value);
  if (data === undefined) throw coreErrors.create.invalid_request('promote must be true or false.');
  return data === 'true';
}

function oneOf(named: {
  readonly id: string | undefined;
  readonly alias?: string | undefined;
  readonly version?: number | undefined;
}): DeploymentRef | undefined {
  const { id, alias, version } = named;
  if ([id, alias, version].filter((one) => one !== undefined).length > 1) {
    throw coreErrors.create.invalid_request('Name the deployment once: by deployment_id, to_deployment_id or version.');
  }
  if (version !== undefined) return { version };
  const either = id ?? alias;
  return either === undefined ? undefined : { id: either };
}

function describeDeploy({ openAPIRegistry }: OpenAPIHono<ReactorEnv>): void {
  openAPIRegistry.registerPath({
    method: 'post',
    path: '/_admin/functions/{name}/deployments',
    summary: 'Deploy a version of a function',
    description:
      'The bundle is a tar.gz of the folder of the function, with its `node_modules`. It is built and imported once. A bundle that a ready version has already is not deployed again.',
    security,
    request: {
      params,
      query: z.object({ promote: flag.describe('Whether it becomes the current one as soon as it is ready.') }),
      body: {
        required: true,
        content: {
          'application/gzip': { schema: bundle },
          'application/x-gzip': { schema: bundle },
          'application/octet-stream': { schema: bundle },
          'multipart/form-data': {
            schema: z.object({ bundle, sha256: z.string().optional().describe('Of the bundle, in hex.') }),
          },
        },
      },
    },
    responses: {
      200: jsonAnswer('The ready version that has the same bundle', deploymentSchema),
      201: jsonAnswer('The new version, which is ready', deploymentSchema),
      400: errorAnswer('bundle_invalid', 'archive_invalid', 'invalid_request'),
      404: errorAnswer('function_not_found'),
      413: errorAnswer('bundle_too_large', 'archive_too_large'),
      415: errorAnswer('unsupported_media_type'),
      503: errorAnswer('cold_start_failed'),
      504: errorAnswer('response_timeout'),
      507: errorAnswer('insufficient_storage'),
    },
  });
}
