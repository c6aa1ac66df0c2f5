import { createRoute } from '@hono/zod-openapi';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { coreErrors } from '../errors.js';
import { systemClock } from '../ports/clock.js';
import { silentLogger } from '../ports/logger.js';
import type { TokenVerifier } from '../ports/tokens.js';
import { SQLSTATE } from '../sqlstate.js';
import { authenticate, principalOf, requireSystem } from './authenticate.js';
import { type ReactorEnv, requestOf } from './env.js';
import { addHealthRoute } from './health-route.js';
import { limitBody } from './limit-body.js';
import { createRoutes } from './routes.js';
import { withContext } from './with-context.js';

const tokens: TokenVerifier = {
  async verify(token) {
    if (token === 'admin') return { kind: 'system' };
    if (token === 'ada') return { kind: 'user', id: 'u-1', claims: {} };
    throw coreErrors.create.invalid_token('The token is not valid.');
  },
};

function aloneInAForeignApp() {
  const routes = createRoutes();
  routes.use(
    withContext({ logger: silentLogger }),
    authenticate(() => tokens),
  );
  routes.get('/who', (c) => c.json({ kind: principalOf(c).kind, id: requestOf(c).requestId }));
  routes.get('/relayed', () => fetch('data:text/plain,hello'));
  routes.get('/deadlock', () => {
    throw Object.assign(new Error('Process 7 waits'), { code: SQLSTATE.deadlockDetected, severity: 'ERROR' });
  });
  routes.delete('/all', (c) => {
    requireSystem(c);
    return c.body(null, 204);
  });
  routes.openapi(
    createRoute({
      method: 'post',
      path: '/things',
      request: {
        body: { content: { 'application/json': { schema: z.object({ size: z.number().int() }) } }, required: true },
      },
      responses: { 200: { description: 'The size, doubled.' } },
    }),
    (c) => c.json({ size: c.req.valid('json').size * 2 }),
  );
  return new Hono().route('/x/v1', routes);
}

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

test('a request id comes with every answer, an inbound one when it is safe to repeat', async () => {
  const app = aloneInAForeignApp();
  const kept = await app.request('/x/v1/who', { headers: { 'X-Request-Id': 'test-request-123' } });
  expect(kept.headers.get('X-Request-Id')).toBe('test-request-123');
  const replaced = await app.request('/x/v1/who', { headers: { 'X-Request-Id': 'a b"c' } });
  expect(replaced.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('an answer whose headers cannot be changed gets the request id too', async () => {
  const response = await aloneInAForeignApp().request('/x/v1/relayed', { headers: { 'X-Request-Id': 'r-7' } });
  expect(response.headers.get('X-Request-Id')).toBe('r-7');
  expect(await response.text()).toBe('hello');
});

test('an error of PostgreSQL mounted alone is no riddle', async () => {
  const app = aloneInAForeignApp().onError((_, c) => c.text('a foreign answer', 500));
  const response = await app.request('/x/v1/deadlock', bearer('ada'));
  expect([response.status, response.headers.get('Retry-After')]).toEqual([503, '1']);
  expect(await response.json()).toMatchObject({ error: { code: 'write_conflict', request_id: expect.any(String) } });
});

test('an error answer mounted alone has the envelope and the request id', async () => {
  const response = await aloneInAForeignApp().request('/x/v1/who', {
    headers: { Authorization: 'Bearer nobody', 'X-Request-Id': 'r-9' },
  });
  expect(response.status).toBe(401);
  expect(response.headers.get('X-Request-Id')).toBe('r-9');
  expect(await response.json()).toMatchObject({ error: { code: 'invalid_token', request_id: 'r-9' } });
});

test('who calls is anonymous without a header, and a header of another form is refused', async () => {
  const app = aloneInAForeignApp();
  expect(await (await app.request('/x/v1/who')).json()).toMatchObject({ kind: 'anonymous' });
  expect(await (await app.request('/x/v1/who', bearer('ada'))).json()).toMatchObject({ kind: 'user' });
  const basic = await app.request('/x/v1/who', { headers: { Authorization: 'Basic YTpi' } });
  expect(basic.status).toBe(401);
  expect(basic.headers.get('WWW-Authenticate')).toBe('Bearer');
});

test('what the admin token is needed for: 401 for nobody, 403 for a user', async () => {
  const app = aloneInAForeignApp();
  const statuses = await Promise.all(
    [{}, bearer('ada'), bearer('admin')].map(
      async (init) => (await app.request('/x/v1/all', { method: 'DELETE', ...init })).status,
    ),
  );
  expect(statuses).toEqual([401, 403, 204]);
});

test('a body that does not fit its schema is a 400 that names the place', async () => {
  const post = (body: string) =>
    aloneInAForeignApp().request('/x/v1/things', {
      method: 'POST',
      body,
      headers: { 'Content-Type': 'application/json' },
    });
  expect(await (await post('{"size":4}')).json()).toEqual({ size: 8 });
  const wrong = await post('{"size":"4"}');
  expect(wrong.status).toBe(400);
  expect(await wrong.json()).toMatchObject({ error: { code: 'invalid_request', details: [{ path: 'size' }] } });
  expect((await post('{')).status).toBe(400);
});

test.each([
  ['declared', (body: string) => ({ body, headers: { 'Content-Length': String(body.length) } })],
  ['streamed', (body: string) => ({ body: new Blob([body]).stream(), duplex: 'half' })],
])('a JSON body over the limit is too large and not malformed, %s', async (_, init) => {
  const routes = createRoutes();
  routes.use(limitBody(12));
  routes.openapi(
    createRoute({
      method: 'post',
      path: '/things',
      request: { body: { content: { 'application/json': { schema: z.object({ size: z.int() }) } }, required: true } },
      responses: { 200: { description: 'The size' } },
    }),
    (c) => c.json(c.req.valid('json')),
  );
  const post = async (body: string) => {
    const { headers, ...rest } = init(body) as RequestInit;
    const all = { ...(headers as Record<string, string>), 'Content-Type': 'application/json' };
    return (await routes.request('/things', { method: 'POST', ...rest, headers: all })).status;
  };
  expect([await post('{"size":123}'), await post('{"size":1234}'), await post('{"size":123,')]).toEqual([
    200, 413, 400,
  ]);
});

test.each([
  ['rejects', () => Promise.reject(new Error('db.internal:5432 refused'))],
  ['never answers', () => new Promise<never>(() => {})],
])('GET /health of a check that %s is 503, in words that give nothing away', async (_, check) => {
  const routes = createRoutes();
  addHealthRoute(routes, { version: '1.0.0', clock: systemClock, healthOf: () => ({ timeoutMs: 20, check }) });
  const response = await routes.request('/health');
  expect(response.status).toBe(503);
  expect(await response.json()).toEqual({ status: 'error', version: '1.0.0', reason: 'the check did not finish' });
});

test('a route of a foreign app finds out who calls, and what is mounted below knows it', async () => {
  const routes = createRoutes();
  routes.use(withContext({ logger: silentLogger }));
  routes.get('/who', (c) => c.json(principalOf(c)));
  const app = new Hono<ReactorEnv>();
  app.use(authenticate(() => tokens));
  app.get('/hello', (c) => c.json(principalOf(c)));
  app.route('/x/v1', routes);
  for (const path of ['/hello', '/x/v1/who']) {
    const response = await app.request(path, bearer('ada'));
    expect([path, await response.json()]).toEqual([path, { kind: 'user', id: 'u-1', claims: {} }]);
  }
});
