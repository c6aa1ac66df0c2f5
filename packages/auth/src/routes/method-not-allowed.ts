import type { OpenAPIHono } from '@hono/zod-openapi';
import { coreErrors, type ReactorEnv } from '@reactor/core';

/** Answers 405 for every path that has routes, but none with the method asked for. Comes after all of them. */
export function addMethodNotAllowed(routes: OpenAPIHono<ReactorEnv>): void {
  const methodsByPath = new Map<string, Set<string>>();
  for (const { method, path } of routes.routes) {
    if (method === 'ALL') continue;
    const methods = methodsByPath.get(path) ?? new Set();
    methodsByPath.set(path, methods.add(method));
  }
  for (const [path, methods] of methodsByPath) {
    if (methods.has('GET')) methods.add('HEAD');
    const allow = [...methods].sort().join(', ');
    routes.all(path, () => {
      throw coreErrors.create.method_not_allowed(`This path takes ${allow}.`, { headers: { Allow: allow } });
    });
  }
}
