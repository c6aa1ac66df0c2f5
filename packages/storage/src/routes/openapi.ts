import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { bearerSecurity, errorAnswer, jsonAnswer, type ReactorEnv } from '@reactor/core';
import { objectSchema } from './schemas.js';

const PATH = '/object/{bucket}/{key}';
const TAG = z.string().optional();
const bytes = { '*/*': { schema: z.string().openapi({ format: 'binary' }) } };

const params = z.object({
  bucket: z.string().describe('Slug of the bucket.'),
  key: z.string().describe('1 to 1024 bytes of UTF-8; may contain slashes.'),
});

const refusals = {
  401: errorAnswer('unauthorized', 'invalid_token'),
  404: errorAnswer('bucket_not_found', 'object_not_found'),
  412: errorAnswer('precondition_failed'),
} as const;

/** Describes the routes of `addObjectRoutes`, whose keys span path segments, which `createRoute` cannot say. */
export function describeObjectRoutes({ openAPIRegistry }: OpenAPIHono<ReactorEnv>): void {
  openAPIRegistry.registerPath({
    method: 'put',
    path: PATH,
    summary: 'Upload an object',
    description: 'Replaces a former version whole. `If-None-Match: *` only creates.',
    security: bearerSecurity,
    request: {
      params,
      headers: z.object({ 'If-Match': TAG, 'If-None-Match': TAG }),
      body: { required: true, content: bytes },
    },
    responses: {
      200: jsonAnswer('The object, with its entity tag in `ETag`', objectSchema),
      400: errorAnswer('invalid_request', 'incomplete_body'),
      403: { description: '`forbidden`: another user owns the object.' },
      413: errorAnswer('object_too_large'),
      507: errorAnswer('insufficient_storage'),
      ...refusals,
    },
  });
  for (const method of ['get', 'head'] as const) {
    openAPIRegistry.registerPath({
      method,
      path: PATH,
      summary: method === 'get' ? 'Download an object' : 'The headers of a download',
      description: 'Anybody may read from a public bucket; from a private one the owner and the operator.',
      security: [{}, ...bearerSecurity],
      request: {
        params,
        headers: z.object({ 'If-Match': TAG, 'If-None-Match': TAG, Range: TAG, 'If-Range': TAG }),
      },
      responses: {
        200: method === 'get' ? { description: 'The bytes', content: bytes } : { description: 'The headers' },
        ...(method === 'get'
          ? {
              206: { description: 'The bytes of the range', content: bytes },
              416: errorAnswer('range_not_satisfiable'),
            }
          : {}),
        304: { description: 'The client has this version.' },
        ...refusals,
      },
    });
  }
  openAPIRegistry.registerPath({
    method: 'delete',
    path: PATH,
    summary: 'Delete an object',
    security: bearerSecurity,
    request: { params, headers: z.object({ 'If-Match': TAG }) },
    responses: {
      204: { description: 'It is gone.' },
      403: { description: '`forbidden`: another user owns the object.' },
      ...refusals,
    },
  });
}
