import { RequestSignal } from '@reactor/core';
import { ALICE } from '@reactor/testing';
import { expect, test } from 'vitest';
import { createTestFunctions, jsonBody, refusal, type TestFunctions } from './support/functions.js';

const ECHO = `export default {
  async fetch(request: Request, env: Record<string, string>, ctx: any) {
    const { pathname, search, host } = new URL(request.url);
    return Response.json({
      method: request.method, path: pathname + search, host, body: await request.text(), env,
      headers: Object.fromEntries(request.headers), auth: ctx.auth, requestId: ctx.requestId, of: ctx.function,
      process: Object.keys(process.env),
    });
  },
}`;

/** What the handler has got. */
interface Echo {
  readonly headers: Readonly<Record<string, string>>;
  readonly process: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

async function echo(functions: TestFunctions, path: string, init: RequestInit & { token?: string } = {}) {
  const answer = await functions.as(init.token)(init.method ?? 'GET', `/echo${path}`, init);
  return (await answer.json()) as Echo;
}

test('a call reaches the handler as it was sent, without what is of the connection or ours', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('echo', ECHO);
  const got = await echo(functions, '/a%2Fb//c.txt?x=1&x=2&y=%C3%A4', {
    method: 'PATCH',
    body: 'hello',
    headers: {
      Cookie: 'reactor.session_token=secret; theme=dark; __Secure-reactor.session_data=x',
      'X-Reactor-Auth': '{"kind":"system"}',
      'X-Reactor-Call': 'x 99',
      'X-Request-Id': 'my-request',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  });
  expect(got).toMatchObject({
    method: 'PATCH',
    path: '/a%2Fb//c.txt?x=1&x=2&y=%C3%A4',
    host: new URL(functions.url).host,
    body: 'hello',
    requestId: 'my-request',
    of: { name: 'echo', version: 1 },
    auth: { kind: 'anonymous', user_id: null },
    headers: {
      cookie: 'theme=dark',
      'x-request-id': 'my-request',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  });
  expect(Object.keys(got.headers).filter((name) => name.startsWith('x-reactor-'))).toEqual(['x-reactor-auth']);
  expect(await echo(functions, '')).toMatchObject({ path: '/' });
  expect(await echo(functions, '/')).toMatchObject({ path: '/' });
});

test('its environment is what it was given, and nothing of the server', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('echo', ECHO);
  process.env.OF_THE_SERVER = 'secret';
  const { process: names } = await echo(functions, '');
  delete process.env.OF_THE_SERVER;
  const allowed: readonly string[] = [
    'PATH',
    'HOME',
    'TMPDIR',
    'LANG',
    'TZ',
    'USER',
    'BUN_RUNTIME_TRANSPILER_CACHE_PATH',
    'DO_NOT_TRACK',
    'REACTOR_URL',
  ];
  expect(names.filter((name) => !allowed.includes(name))).toEqual([]);
});

test('a changed variable is there in the next call, without a new process, and one that is gone is gone', async () => {
  const functions = await createTestFunctions();
  const admin = functions.as('admin');
  await functions.deploy('echo', ECHO);
  expect((await echo(functions, '')).env).toEqual({ REACTOR_URL: expect.any(String) });
  const set = (key: string, value: string, is_secret: boolean) =>
    admin('PUT', `/_admin/functions/echo/env/${key}`, jsonBody({ value, is_secret }));
  for (let i = 0; i < 5; i++) {
    await set('GREETING', `hello ${i}`, i % 2 === 0);
    const answer = await functions.as(undefined)('GET', '/echo');
    expect(answer.headers.get('X-Reactor-Cold-Start')).toBe('false');
    expect(await answer.json()).toMatchObject({ env: { GREETING: `hello ${i}` } });
  }
  await admin('DELETE', '/_admin/functions/echo/env/GREETING');
  expect((await echo(functions, '')).env).toEqual({ REACTOR_URL: expect.any(String) });
  expect(JSON.stringify(functions.lines)).not.toContain('hello 2');
});

test('who may call', async () => {
  const functions = await createTestFunctions();
  for (const access of ['public', 'users', 'operator']) await functions.deploy(`for-${access}`, ECHO, { access });
  const status = async (name: string, token?: string) => (await functions.as(token)('GET', `/${name}`)).status;
  const all = async (name: string) => [await status(name), await status(name, 'alice'), await status(name, 'admin')];
  expect(await all('for-public')).toEqual([200, 200, 200]);
  expect(await all('for-users')).toEqual([401, 200, 200]);
  expect(await all('for-operator')).toEqual([401, 403, 200]);
  // What is meant for the function alone is no matter of ours.
  expect(await status('for-public', 'unknown')).toBe(200);
  expect(await status('for-users', 'unknown')).toBe(401);
  const got = await (await functions.as('alice')('GET', '/for-users')).json();
  expect(got).toMatchObject({ auth: { kind: 'user', user_id: expect.stringMatching(/^[0-9a-f-]{36}$/) } });
  expect(JSON.stringify(got)).not.toContain('Bearer');
});

test('the caller is forwarded only where the deployment says so', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('echo', ECHO, { forward_authorization: true });
  expect((await echo(functions, '', { token: 'alice' })).headers.authorization).toBe('Bearer alice');
});

test('every answer says of which function it is, errors too; of its headers it loses none', async () => {
  const functions = await createTestFunctions();
  await functions.deploy(
    'headers',
    `export default () => new Response('x', { status: 418, headers: [
       ['Set-Cookie', 'a=1'], ['Set-Cookie', 'b=2'], ['X-Reactor-Function', 'another'], ['X-Request-Id', 'another'],
       ['Content-Security-Policy', "default-src 'self'"], ['Cache-Control', 'max-age=60']] })`,
  );
  const answer = await functions.as(undefined)('GET', '/headers', { headers: { 'X-Request-Id': 'mine' } });
  expect(answer.status).toBe(418);
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'cache-control': 'max-age=60',
    'content-security-policy': "default-src 'self'",
    'x-content-type-options': 'nosniff',
    'x-reactor-function': 'headers',
    'x-reactor-cold-start': 'true',
    'x-reactor-duration-ms': expect.stringMatching(/^\d+$/),
    'x-request-id': 'mine',
  });
  const missing = await functions.as(undefined)('GET', '/not-there');
  expect(missing.headers.get('X-Reactor-Function')).toBe('not-there');
  expect(await refusal(missing)).toBe('404 function_not_found');
});

test.each([
  ['an object with fetch', 'export default { fetch: () => new Response("ok") }'],
  ['an object whose fetch uses this', 'export default { text: "ok", fetch() { return new Response(this.text) } }'],
  ['a function', 'export default function () { return new Response("ok") }'],
  ['a named handler', 'export const handler = async () => new Response("ok")'],
])('the handler may be %s', async (_, code) => {
  const functions = await createTestFunctions();
  await functions.deploy('shape', code);
  expect(await (await functions.as(undefined)('GET', '/shape')).text()).toBe('ok');
});

test('methods and answers without a body', async () => {
  const functions = await createTestFunctions();
  await functions.deploy(
    'plain',
    'export default (r: Request) => r.method === "DELETE" ? new Response(null, { status: 204 }) : new Response("text")',
  );
  const head = await functions.as(undefined)('HEAD', '/plain');
  expect([head.status, await head.text()]).toEqual([200, '']);
  expect((await functions.as(undefined)('DELETE', '/plain/x')).status).toBe(204);
  expect(await (await functions.as(undefined)('OPTIONS', '/plain')).text()).toBe('text');
});

test('without a promoted deployment it is not ready', async () => {
  const functions = await createTestFunctions();
  await functions.as('admin')('POST', '/_admin/functions', jsonBody({ name: 'empty' }));
  const answer = await functions.as('alice')('GET', '/empty');
  expect(answer.headers.get('Retry-After')).toBe('1');
  expect(await refusal(answer)).toBe('503 deployment_not_ready');
});

test('a promoted version answers the next call, while the calls of the former one end on it', async () => {
  const functions = await createTestFunctions();
  const version = (n: number) => `export default async () => { await Bun.sleep(300); return new Response('${n}') }`;
  await functions.deploy('swap', version(1));
  const call = async () => (await functions.as(undefined)('GET', '/swap')).text();
  const former = call();
  await expect.poll(() => functions.lines.length).toBeGreaterThanOrEqual(0);
  await call();
  const running = call();
  await functions.deploy('swap', version(2));
  expect([await former, await running, await call()]).toEqual(['1', '1', '2']);
});

test('another capability calls it in process, for whom it says', async () => {
  const { functions, deploy } = await createTestFunctions();
  await deploy('echo', ECHO, { access: 'operator' });
  const answer = await functions.invoke({
    name: 'echo',
    request: new Request('http://any.host/a/b?c=d', { method: 'POST', body: 'text' }),
    requestId: 'of-a-job',
    principal: { kind: 'user', id: ALICE, claims: {} },
    signal: new RequestSignal(),
  });
  expect(await answer.json()).toMatchObject({
    path: '/a/b?c=d',
    body: 'text',
    requestId: 'of-a-job',
    auth: { kind: 'user', user_id: ALICE },
  });
});
