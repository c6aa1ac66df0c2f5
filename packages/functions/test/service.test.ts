import { expect, test, vi } from 'vitest';
import { createTestFunctions, jsonBody, refusal } from './support/functions.js';

const CALLER = `export default async (request: Request, env: any, ctx: any) => {
  const headers = { Authorization: 'Bearer ' + ctx.token };
  const answer = await fetch(env.REACTOR_URL + new URL(request.url).pathname, { headers });
  return new Response(await answer.text(), { status: answer.status });
}`;
const SHOWS = `export default (request: Request, env: object, ctx: any) =>
  Response.json({ auth: ctx.auth, id: ctx.requestId, trace: request.headers.get('traceparent') })`;

test('a function calls the server in its own name, and the calls hang together', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('shows', SHOWS, { access: 'operator' });
  await functions.deploy('caller', CALLER, { service: true });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const answer = await functions.as(undefined)('GET', '/caller/fn/v1/shows', {
    headers: { 'X-Request-Id': 'outer', traceparent },
  });
  expect(await answer.json()).toMatchObject({
    auth: { kind: 'system', function: 'caller' },
    id: 'outer',
    trace: traceparent,
  });
  expect(functions.lines).toContainEqual(
    expect.objectContaining({
      target: 'reactor_functions::audit',
      fields: expect.objectContaining({ function: 'caller', version: 1, request_id: 'outer' }),
    }),
  );
});

test('its token does not set the server up', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('caller', CALLER, { service: true });
  const answer = await functions.as(undefined)('GET', '/caller/fn/v1/_admin/functions');
  expect(await refusal(answer)).toBe('403 forbidden');
});

test('without the right it has no token', async () => {
  const functions = await createTestFunctions();
  await functions.deploy(
    'shows',
    'export default (r: Request, e: object, ctx: any) => Response.json({ token: ctx.token ?? null })',
  );
  expect(await (await functions.as(undefined)('GET', '/shows')).json()).toEqual({ token: null });
});

test('its token ends with the right, and with the function', async () => {
  const functions = await createTestFunctions();
  const tells = 'export default (r: Request, e: object, ctx: any) => new Response(ctx.token)';
  await functions.deploy('shows', SHOWS, { access: 'users' });
  await functions.deploy('tells', tells, { service: true });
  const token = await (await functions.as(undefined)('GET', '/tells')).text();
  const use = async () => (await functions.as(token)('GET', '/shows')).status;
  expect(await use()).toBe(200);
  await functions.deploy('tells', `${tells} // again`, { service: false });
  expect(await use()).toBe(401);
  await functions.deploy('tells', tells, { service: true });
  expect(await use()).toBe(200);
  await functions.as('admin')('DELETE', '/_admin/functions/tells');
  expect(await use()).toBe(401);
});

test.each([
  ['another algorithm', (head: string) => head.replace('HS256', 'none')],
  ['another type', (head: string) => head.replace('reactor-function+jwt', 'JWT')],
])('a token with %s is not accepted', async (_, change) => {
  const functions = await createTestFunctions();
  await functions.deploy('shows', SHOWS, { access: 'users' });
  await functions.deploy('tells', 'export default (r: Request, e: object, ctx: any) => new Response(ctx.token)', {
    service: true,
  });
  const [head = '', ...rest] = (await (await functions.as(undefined)('GET', '/tells')).text()).split('.');
  const forged = Buffer.from(change(Buffer.from(head, 'base64url').toString())).toString('base64url');
  expect((await functions.as([forged, ...rest].join('.'))('GET', '/shows')).status).toBe(401);
});

test('two servers: a promoted version and a changed variable reach the other one', async () => {
  const one = await createTestFunctions();
  const two = await createTestFunctions({ beside: one });
  const version = (n: number) => `export default (r: Request, env: any) => new Response('${n} ' + env.WORD)`;
  const said = async () => (await two.as(undefined)('GET', '/both')).text();
  await one.as('admin')('POST', '/_admin/functions', jsonBody({ name: 'both' }));
  await one.as('admin')('PUT', '/_admin/functions/both/env/WORD', jsonBody({ value: 'first', is_secret: true }));
  await one.deploy('both', version(1));
  await vi.waitFor(async () => expect(await said()).toBe('1 first'), { timeout: 1_000, interval: 20 });
  await one.as('admin')('PUT', '/_admin/functions/both/env/WORD', jsonBody({ value: 'second' }));
  await vi.waitFor(async () => expect(await said()).toBe('1 second'), { timeout: 1_000, interval: 20 });
  await one.deploy('both', version(2));
  await vi.waitFor(async () => expect(await said()).toBe('2 second'), { timeout: 1_000, interval: 20 });
});
