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
import { assertNewSlug, bucketNotFound, parseBucketRef } from '../buckets.js';
import type { StorageService } from '../service.js';
import type { BucketRef } from '../store/buckets.js';
import { bucketJson, bucketSchema } from './schemas.js';

const security = bearerSecurity;
const params = z.object({ ref: z.string().describe('Slug or id of the bucket.') });

/** Both spellings of the contract; they must agree where both are given. */
const createBody = z
  .strictObject({
    slug: z.string().optional(),
    name: z.string().optional().describe('The same as `slug`.'),
    is_public: z.boolean().optional(),
    public: z.boolean().optional().describe('The same as `is_public`.'),
  })
  .openapi('NewBucket');

const updateBody = z
  .strictObject({ is_public: z.boolean().optional(), public: z.boolean().optional() })
  .openapi('BucketChange');

const createBucket = createRoute({
  method: 'post',
  path: '/buckets',
  summary: 'Create a bucket',
  security,
  request: { body: { required: true, content: { 'application/json': { schema: createBody } } } },
  responses: {
    201: jsonAnswer('The bucket', bucketSchema),
    400: errorAnswer('invalid_bucket_name', 'invalid_request'),
    409: errorAnswer('bucket_exists'),
    413: errorAnswer('payload_too_large'),
  },
});

const listBuckets = createRoute({
  method: 'get',
  path: '/buckets',
  summary: 'All buckets, by slug',
  security,
  responses: { 200: jsonAnswer('The buckets', z.object({ buckets: z.array(bucketSchema) })) },
});

const getBucket = createRoute({
  method: 'get',
  path: '/buckets/{ref}',
  summary: 'One bucket',
  security,
  request: { params },
  responses: { 200: jsonAnswer('The bucket', bucketSchema), 404: errorAnswer('bucket_not_found') },
});

const updateBucket = createRoute({
  method: 'patch',
  path: '/buckets/{ref}',
  summary: 'Make a bucket public or private',
  security,
  request: { params, body: { required: true, content: { 'application/json': { schema: updateBody } } } },
  responses: {
    200: jsonAnswer('The bucket', bucketSchema),
    404: errorAnswer('bucket_not_found'),
    413: errorAnswer('payload_too_large'),
  },
});

const deleteBucket = createRoute({
  method: 'delete',
  path: '/buckets/{ref}',
  summary: 'Delete a bucket',
  security,
  request: {
    params,
    query: z.object({
      cascade: z.enum(['true', 'false']).default('false').describe('Whether to delete its objects with it.'),
    }),
  },
  responses: {
    204: { description: 'It is gone.' },
    404: errorAnswer('bucket_not_found'),
    409: errorAnswer('bucket_not_empty'),
  },
});

/** Buckets are the operator's: all of these need the admin token. @param maxBodyBytes of what describes a bucket */
export function addBucketRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  services: Services<StorageService>,
  maxBodyBytes: number,
): void {
  const limited = [systemOnly, limitBody(maxBodyBytes)];
  routes.openapi({ ...createBucket, middleware: limited }, async (c) => {
    const body = c.req.valid('json');
    const slug = either('slug', body.slug, 'name', body.name);
    if (slug === undefined) throw coreErrors.create.invalid_request('The JSON body needs slug (or name).');
    assertNewSlug(slug);
    const isPublic = either('is_public', body.is_public, 'public', body.public) ?? false;
    return c.json(bucketJson(await services.of(c).buckets.create(slug, isPublic)), 201);
  });

  routes.openapi({ ...listBuckets, middleware: systemOnly }, async (c) =>
    c.json({ buckets: (await services.of(c).buckets.list()).map(bucketJson) }, 200),
  );

  routes.openapi({ ...getBucket, middleware: systemOnly }, async (c) =>
    c.json(bucketJson(await services.of(c).buckets.get(refOf(c.req.valid('param').ref))), 200),
  );

  routes.openapi({ ...updateBucket, middleware: limited }, async (c) => {
    const { buckets } = services.of(c);
    const ref = refOf(c.req.valid('param').ref);
    const body = c.req.valid('json');
    const isPublic = either('is_public', body.is_public, 'public', body.public);
    return c.json(
      bucketJson(await (isPublic === undefined ? buckets.get(ref) : buckets.setPublic(ref, isPublic))),
      200,
    );
  });

  routes.openapi({ ...deleteBucket, middleware: systemOnly }, async (c) => {
    await services.of(c).buckets.delete(refOf(c.req.valid('param').ref), c.req.valid('query').cascade === 'true');
    return c.body(null, 204);
  });
}

/** @throws ReactorError `bucket_not_found` (404) */
export function refOf(ref: string): BucketRef {
  const parsed = parseBucketRef(ref);
  if (parsed === undefined) throw bucketNotFound();
  return parsed;
}

function either<T>(name: string, value: T | undefined, alias: string, aliasValue: T | undefined): T | undefined {
  if (value !== undefined && aliasValue !== undefined && value !== aliasValue) {
    throw coreErrors.create.invalid_request(`${name} and ${alias} mean the same and must not differ.`);
  }
  return value ?? aliasValue;
}
