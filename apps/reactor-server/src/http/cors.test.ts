import { type Capability, createRoutes } from '@reactor/core';
import { expect, test } from 'vitest';
import { allowPagesOf } from './cors.js';

const PAGE = 'https://app.example.com';
const EXPOSED = 'X-Request-Id,Retry-After';

/** Each path belongs to the capability that is named like it. */
async function ask(name: string, origin?: string) {
  const capabilities = [
    { name: 'auth', usesCookies: true, exposedHeaders: ['Set-Auth-Token'] },
    { name: 'storage', exposedHeaders: ['ETag'] },
    { name: 'jobs' },
  ] as unknown as Capability[];
  const app = createRoutes();
  app.use('/:name', async (c, next) => {
    c.set('capability', c.req.param('name'));
    await next();
  });
  app.use(allowPagesOf([PAGE], capabilities));
  app.get('/:name', (c) => c.text('answer'));
  const { headers } = await app.request(`/${name}`, { headers: origin === undefined ? {} : { Origin: origin } });
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
    expect(await ask(name, PAGE)).toEqual({ origin: PAGE, exposed, cookies, vary: 'Origin' });
  },
);

test.each([undefined, 'https://evil.example', `${PAGE}.evil.example`])(
  'a page of %s gets nothing of it',
  async (origin) => {
    expect(await ask('auth', origin)).toEqual({ origin: null, exposed: null, cookies: null, vary: 'Origin' });
  },
);
