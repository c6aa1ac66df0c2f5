import type { OpenAPIHono } from '@hono/zod-openapi';
import { createRoutes, jsonAnswer, type ReactorEnv } from '@reactor/core';
import { z } from 'zod';

const PATH = '/_api/openapi.json';

/** `GET /_api/openapi.json`: every documented route of `app`, described by the schemas that validate it. */
export function openApiRoutes(app: OpenAPIHono<ReactorEnv>, version: string) {
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: PATH,
    tags: ['server'],
    summary: 'This document',
    responses: { 200: jsonAnswer('OpenAPI 3.1.', z.record(z.string(), z.unknown())) },
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  // Made on first request: generating it takes longer than a boot should wait for.
  let document: object | undefined;
  return createRoutes().get(PATH, (c) => {
    document ??= app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 'Reactor', version } });
    return c.json(document);
  });
}
