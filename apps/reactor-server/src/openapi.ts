import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ReactorEnv } from '@reactor/core';
import { createRoutes } from '@reactor/core';

const HOST_ROUTES = [
  ['/health', 'Whether every mounted capability can take traffic', '200 or 503 with the failing ones'],
  ['/livez', 'Whether the process runs; asks no dependency', '200'],
  ['/readyz', 'Whether this process has started and is not draining', '200 or 503'],
  ['/metrics', 'Prometheus text exposition', '200'],
  ['/_admin/doctor', 'Deep probes of every capability, with remedies', '200, or 207 when something fails'],
  ['/_admin/logs', 'Log lines as server-sent events', '200'],
  ['/_admin/version', 'Versions of the server and its capabilities', '200'],
] as const;

/** `GET /_api/openapi.json`: every documented route of `app`, described by the schemas that validate it. */
export function openApiRoutes(app: OpenAPIHono<ReactorEnv>, version: string) {
  for (const [path, summary, description] of HOST_ROUTES) {
    app.openAPIRegistry.registerPath({
      method: 'get',
      path,
      summary,
      tags: ['server'],
      ...(path.startsWith('/_admin') ? { security: [{ bearer: [] }] } : {}),
      responses: { 200: { description } },
    });
  }
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  // Made on first request: generating it takes longer than a boot should wait for.
  let document: object | undefined;
  return createRoutes().get('/_api/openapi.json', (c) => {
    document ??= app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 'Reactor', version } });
    return c.json(document);
  });
}
