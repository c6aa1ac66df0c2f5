import { coreErrors, findRequest, type ReactorEnv } from '@reactor/core';
import type { Hono, NotFoundHandler } from 'hono';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/**
 * For `app.notFound`: `not_found` (404), or `method_not_allowed` (405) with `Allow` when `app` has the path under other
 * methods. Middleware and routes for every path say nothing about this path and do not count.
 */
export function notFound(app: Hono<ReactorEnv>): NotFoundHandler<ReactorEnv> {
  return (c) => {
    const { path } = c.req;
    const allowed = METHODS.filter((method) =>
      app.router
        .match(method, path)[0]
        .some(([[, route]]) => route.method === method && route.path !== '/*' && route.path !== '*'),
    );
    const method = c.req.method === 'HEAD' ? 'GET' : c.req.method;
    // A handler that calls c.notFound() itself: the route is there, the thing it names is not.
    const routed = allowed.includes(method);
    const request = findRequest(c);
    if (!routed && request !== undefined) request.unmatched = true;
    // Answered, not thrown: at this point a throw would surface inside whichever middleware happens to be the last.
    const requestId = request?.requestId;
    if (routed || allowed.length === 0) {
      return coreErrors.create.not_found(`Nothing is at ${path}.`).getResponse(requestId);
    }
    if (allowed.includes('GET')) allowed.splice(allowed.indexOf('GET') + 1, 0, 'HEAD');
    const allow = allowed.join(', ');
    return coreErrors.create
      .method_not_allowed(`${c.req.method} is not allowed here; allowed: ${allow}.`, {
        headers: { Allow: allow },
        details: { allowed },
      })
      .getResponse(requestId);
  };
}
