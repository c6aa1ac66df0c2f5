import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ReactorEnv } from '@reactor/core';
import { expect, it } from 'vitest';
import { createTestStorage } from './support/storage.js';

it('describes every route', async () => {
  const { storage } = await createTestStorage();
  const routes = storage.routes as OpenAPIHono<ReactorEnv>;
  const document = routes.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 'storage', version: '0' } });
  const described = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.keys(item as object).map((method) => `${method.toUpperCase()} ${path}`),
  );
  // Hono answers HEAD by the route of GET; what is left over are the middlewares.
  const routed = storage.routes.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(?:\{.*\})?/g, '{$1}')}`);
  expect(described.sort()).toEqual([...new Set([...routed, 'HEAD /object/{bucket}/{key}'])].sort());
});
