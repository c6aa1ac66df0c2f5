import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { bearerSecurity, errorAnswer, jsonAnswer, principalOf, type ReactorEnv, type Services } from '@reactor/core';
import type { MiddlewareHandler } from 'hono';
import { listedOwner, requireKnown } from '../access.js';
import { listPage } from '../listing.js';
import type { StorageMetrics } from '../metrics.js';
import { assertKeyPrefix } from '../object-key.js';
import type { StorageService } from '../service.js';
import { refOf } from './buckets.js';
import { observed } from './observed.js';
import { objectJson, objectSchema } from './schemas.js';

const listObjectsRoute = createRoute({
  method: 'get',
  path: '/buckets/{ref}/objects',
  summary: 'Objects of a bucket, in the byte order of their keys; in a private bucket a user sees their own',
  security: bearerSecurity,
  request: {
    params: z.object({ ref: z.string().describe('Slug or id of the bucket.') }),
    query: z.object({
      prefix: z.string().default('').describe('Only keys that begin with it.'),
      limit: z.coerce
        .number('must be a whole number from 1 to 1000')
        .int('must be a whole number from 1 to 1000')
        .min(1)
        .max(1000)
        .default(100),
      cursor: z.string().optional().describe('`next_cursor` of the page before.'),
      delimiter: z.literal('/').optional().describe('Folds keys that go on after the next slash into `prefixes`.'),
    }),
  },
  responses: {
    200: jsonAnswer(
      'A page',
      z.object({
        objects: z.array(objectSchema),
        prefixes: z.array(z.string()).describe('Common beginnings of keys, each ending in a slash.'),
        has_more: z.boolean(),
        next_cursor: z.string().nullable(),
      }),
    ),
    404: errorAnswer('bucket_not_found'),
  },
});

/** Listing is for signed-in callers: a public bucket shows its objects to anybody, but its keys only to users. */
export function addListingRoutes(
  routes: OpenAPIHono<ReactorEnv>,
  services: Services<StorageService>,
  metrics: StorageMetrics,
): void {
  routes.openapi({ ...listObjectsRoute, middleware: knownOnly }, (c) =>
    observed(metrics, 'list', async () => {
      const { buckets, database } = services.of(c);
      const caller = requireKnown(principalOf(c));
      const { prefix, limit, cursor, delimiter } = c.req.valid('query');
      assertKeyPrefix(prefix);
      const bucket = await buckets.get(refOf(c.req.valid('param').ref));
      const { entries, nextCursor } = await listPage(database, {
        bucketId: bucket.id,
        ownerId: listedOwner(caller, bucket),
        folders: delimiter !== undefined,
        prefix,
        limit,
        cursor,
      });
      return c.json(
        {
          objects: entries.flatMap((entry) => ('object' in entry ? [objectJson(bucket.slug, entry.object)] : [])),
          prefixes: entries.flatMap((entry) => ('prefix' in entry ? [entry.prefix] : [])),
          has_more: nextCursor !== undefined,
          next_cursor: nextCursor ?? null,
        },
        200,
      );
    }),
  );
}

/** Before the input is looked at, as for all of storage. */
const knownOnly: MiddlewareHandler<ReactorEnv> = async (c, next) => {
  requireKnown(principalOf(c));
  await next();
};
