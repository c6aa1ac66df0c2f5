import type { OpenAPIHono } from '@hono/zod-openapi';
import { coreErrors, type ReactorEnv } from '@reactor/core';
import { toDataError } from '../errors.js';

const METHODS: Readonly<Record<string, string>> = {
  '/:table': 'GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS',
  '/rpc/:function': 'GET, HEAD, POST, OPTIONS',
};

/** Paths that exist, with a method that does not; and OPTIONS. Comes after all routes. */
export function addMethodNotAllowed(routes: OpenAPIHono<ReactorEnv>): void {
  for (const [path, methods] of Object.entries(METHODS)) {
    routes.all(path, (c) => {
      if (c.req.method === 'OPTIONS') return c.body(null, 204, { Allow: methods });
      throw toDataError(
        coreErrors.create.method_not_allowed(`This path takes ${methods}.`, { headers: { Allow: methods } }),
      );
    });
  }
}
