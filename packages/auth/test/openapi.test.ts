import type { OpenAPIHono } from '@hono/zod-openapi';
import type { ReactorEnv } from '@reactor/core';
import { expect, test } from 'vitest';
import { createTestAuth } from './fixture.js';

test('every route is in the OpenAPI document, those of better-auth too', async () => {
  const { auth } = await createTestAuth({ start: false });
  const routes = auth.routes as OpenAPIHono<ReactorEnv>;
  const document = routes.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 'auth', version: auth.version } });
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routed = auth.routes.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path}`);
  expect(operations.sort()).toEqual([...new Set(routed)].sort());
  expect(operations).toEqual(expect.arrayContaining(['POST /signup', 'POST /sign-in/email', 'GET /organization/list']));
  expect(Object.keys(document.components?.schemas ?? {})).toEqual(
    expect.arrayContaining(['User', 'SignedIn', 'SignUp', 'Error', 'Jwk']),
  );
  expect(Object.keys(document.paths?.['/signup']?.post?.responses ?? {})).toEqual(['201', '400', '403', '409', '429']);
});
