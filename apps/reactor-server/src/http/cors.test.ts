import { type Capability, createRoutes, silentLogger, systemClock } from '@reactor/core';
import { type CorsPolicy, errorHandler, instrumentHttp, notFound } from '@reactor/observability';
import { expect, test } from 'vitest';
import { allowPagesOf, answerPreflights } from './cors.js';

const PAGE = 'https://app.example.com';
const EXPOSED = 'X-Request-Id,Retry-After';
const CAPABILITIES = [
  { name: 'auth', basePath: '/auth/v1', usesCookies: true, exposedHeaders: ['Set-Auth-Token'] },
  { name: 'storage', basePath: '/storage/v1', exposedHeaders: ['ETag'] },
  { name: 'jobs', basePath: '/jobs/v1' },
] as unknown as Capability[];

/** A server of which pages of `PAGE` may read the answers. */
async function ask(path: string, init: RequestInit) {
  const cors = allowPagesOf([PAGE], CAPABILITIES) as CorsPolicy;
  const app = createRoutes();
  app.onError(errorHandler);
  app.notFound(notFound(app));
  app.options('*', answerPreflights(cors));
  app.get('/:name/v1/*', (c) => c.text('answer', 200, c.req.path.endsWith('/varied') ? { Vary: 'Accept' } : {}));
  const http = instrumentHttp({
    clock: systemClock,
    logger: silentLogger,
    capabilities: CAPABILITIES.map(({ name }) => name),
  });
  const fetch = http.observe(app, { mounts: CAPABILITIES, cors });
  return fetch(new Request(`http://localhost${path}`, init));
}

async function corsOf(name: string, origin?: string) {
  const { headers } = await ask(`/${name}/v1/thing`, { headers: origin === undefined ? {} : { Origin: origin } });
  return {
    origin: headers.get('Access-Control-Allow-Origin'),
    exposed: headers.get('Access-Control-Expose-Headers'),
    cookies: headers.get('Access-Control-Allow-Credentials'),
    vary: headers.get('Vary'),
  };
}

test.each([
  ['auth', `${EXPOSED},Set-Auth-Token`, 'true'],
  ['storage', `${EXPOSED},ETag`, null],
  ['jobs', EXPOSED, null],
  ['server', EXPOSED, null],
])(
  '%s: a page of the list reads the headers that it names, cookies only where they are used',
  async (name, exposed, cookies) => {
    expect(await corsOf(name, PAGE)).toEqual({ origin: PAGE, exposed, cookies, vary: 'Origin' });
  },
);

test.each([undefined, 'https://evil.example', `${PAGE}.evil.example`])(
  'a page of %s gets nothing of it',
  async (origin) => {
    expect(await corsOf('auth', origin)).toEqual({ origin: null, exposed: null, cookies: null, vary: 'Origin' });
  },
);

test('what an answer varies by is kept', async () => {
  const { headers } = await ask('/jobs/v1/varied', { headers: { Origin: PAGE } });
  expect(headers.get('Vary')).toBe('Accept, Origin');
});

test('a preflight of a page of the list is answered, with the headers it asks for; of another page it is not', async () => {
  const preflight = (origin: string, headers: Record<string, string> = { 'Access-Control-Request-Method': 'PATCH' }) =>
    ask('/jobs/v1/thing', { method: 'OPTIONS', headers: { Origin: origin, ...headers } });
  const allowed = await preflight(PAGE, {
    'Access-Control-Request-Method': 'PATCH',
    'Access-Control-Request-Headers': 'authorization,prefer',
  });
  expect(allowed.status).toBe(204);
  expect(Object.fromEntries(allowed.headers)).toMatchObject({
    'access-control-allow-origin': PAGE,
    'access-control-allow-methods': expect.stringContaining('PATCH'),
    'access-control-allow-headers': 'authorization,prefer',
    'access-control-max-age': '600',
    vary: 'Access-Control-Request-Headers, Origin',
  });
  const refused = await preflight('https://evil.example');
  expect([refused.status, refused.headers.get('Access-Control-Allow-Origin')]).toEqual([405, null]);
  // It asks for nothing: a request of the method OPTIONS.
  expect((await preflight(PAGE, {})).status).toBe(405);
});
