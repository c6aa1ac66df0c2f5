import { expect, test } from 'vitest';
import { doctor, health, rootCauses, signUp } from '../support/client.js';
import { createFunction, deploy, json, pack, setVariable } from '../support/functions.js';
import { type LogLine, openLog } from '../support/log.js';
import { startServer } from '../support/server.js';

const server = await startServer();

const call = (to: string, init?: RequestInit) => fetch(`${server.url}/fn/v1${to}`, init);
const text = async (to: string) => (await call(to)).text();

test('from nothing to a function that was deployed, called, changed, rolled back, looked into and deleted', async () => {
  await createFunction(server, 'shop');
  expect((await call('/shop')).status).toBe(401);
  const { access_token: token } = await signUp(server);
  const own = { Authorization: `Bearer ${token}` };
  const early = await call('/shop', { headers: own });
  expect([early.status, ((await early.json()) as { error: { code: string } }).error.code]).toEqual([
    503,
    'deployment_not_ready',
  ]);

  const first = await deploy(
    server,
    'shop',
    {
      'index.ts': `import { Hono } from 'hono';
import { greet } from './lib/greet';
interface Call { readonly requestId: string; readonly auth: { readonly user_id: string | null } }
const app = new Hono<{ Bindings: Record<string, string> }>();
app.post('/greetings', async (c) => {
  const { name } = await c.req.json<{ name: string }>();
  if (name === '') return c.json({ error: 'name' }, 422);
  console.log('greeting', name);
  const { requestId, auth } = c.executionCtx as unknown as Call;
  return c.json({ text: greet(name), key: c.env.API_KEY ?? null, id: requestId, user: auth.user_id, x: c.req.query('x') });
});
export default app;`,
      'lib/greet.ts': 'export const greet = (name: string): string => "hello " + name;',
    },
    { access: 'users' },
    ['hono'],
  );
  expect(first).toMatchObject({ version: 1, status: 'ready' });
  expect((await call('/shop')).status).toBe(401);
  const post = (name: string, id: string) =>
    call('/shop/greetings?x=1', {
      method: 'POST',
      headers: { ...own, 'X-Request-Id': id, 'Content-Type': 'application/json' },
      body: JSON.stringify({ name }),
    });
  const cold = await post('figs', 'cold-call');
  expect(Object.fromEntries(cold.headers)).toMatchObject({
    'x-reactor-function': 'shop',
    'x-reactor-cold-start': 'true',
    'x-reactor-duration-ms': expect.stringMatching(/^\d+$/),
    'x-request-id': 'cold-call',
    'x-content-type-options': 'nosniff',
  });
  expect(await cold.json()).toMatchObject({
    text: 'hello figs',
    key: null,
    id: 'cold-call',
    x: '1',
    user: expect.stringMatching(/-/),
  });
  expect((await post('', 'refused')).status).toBe(422);

  await setVariable(server, 'shop', 'API_KEY', 'not-for-anybody-else');
  const warm = await post('figs', 'warm-call');
  expect(warm.headers.get('X-Reactor-Cold-Start')).toBe('false');
  expect(await warm.json()).toMatchObject({ key: 'not-for-anybody-else' });
  const listed = await (await server.admin('/fn/v1/_admin/functions/shop/env')).json();
  expect(listed).toEqual({ env: [{ key: 'API_KEY', is_secret: true, last_updated_at: expect.any(String) }] });

  const lines = await openLog(server, 'capability=functions&since=5m');
  const isOfColdCall = ({ target, fields }: LogLine) =>
    target === 'reactor_functions' && fields.request_id === 'cold-call';
  const seen: LogLine[] = [];
  for await (const line of lines) {
    expect(line.target).toMatch(/^reactor_functions(::|$)/);
    if (isOfColdCall(line)) seen.push(line);
    if (seen.length === 2) break;
  }
  expect(seen.map(({ fields }) => fields)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ function: 'shop', version: 1, text: 'greeting figs', request_id: 'cold-call' }),
      expect.objectContaining({
        message: 'request completed',
        function: 'shop',
        cold_start: true,
        queue_ms: expect.any(Number),
      }),
    ]),
  );

  const second = await deploy(server, 'shop', 'export default () => new Response("second")');
  expect([second.version, await text('/shop')]).toEqual([2, 'second']);
  const back = await server.admin('/fn/v1/_admin/functions/shop/rollback', json('POST', {}));
  expect(await back.json()).toEqual({ previous_deployment_id: second.id, current_deployment_id: first.id });
  expect((await call('/shop')).status).toBe(401);
  expect(await (await post('again', 'after-rollback')).json()).toMatchObject({ text: 'hello again' });
  const promoted = await server.admin(
    '/fn/v1/_admin/functions/shop/promote',
    json('POST', { deployment_id: second.id }),
  );
  expect(promoted.status).toBe(200);
  expect(await text('/shop')).toBe('second');

  const scrape = (await (await fetch(`${server.url}/metrics`)).text()).split('\n');
  const invocations = scrape.filter((line) => line.startsWith('reactor_fn_invocations_total{function="shop"'));
  expect(invocations).toContain('reactor_fn_invocations_total{function="shop",runtime="bun",status="ok"} 6');
  expect(scrape).toContain('reactor_fn_warm_pool_size{function="shop"} 1');
  expect((await health(server)).body.capabilities.functions).toBe('ok');
  const report = await doctor(server);
  expect([report.status, rootCauses(report.body)]).toEqual([200, []]);
  expect(report.body.functions?.checks.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['bun', 'bundles', 'secrets', 'processes', 'account']),
  );
  expect(server.stdout() + server.stderr() + JSON.stringify(report)).not.toContain('not-for-anybody-else');

  expect((await server.admin('/fn/v1/_admin/functions/shop', { method: 'DELETE' })).status).toBe(204);
  expect((await call('/shop')).status).toBe(404);
});

test('a bundle that cannot be built or imported says where, and what runs stays', async () => {
  await deploy(server, 'careful', 'export default () => new Response("kept")');
  const refused = async (code: string) => {
    const answer = await server.admin('/fn/v1/_admin/functions/careful/deployments?promote=true', {
      method: 'POST',
      headers: { 'Content-Type': 'application/gzip' },
      body: await pack({ 'index.ts': code }),
    });
    const { error } = (await answer.json()) as { error: { code: string; details: readonly object[] } };
    return [answer.status, error.code, error.details[0]];
  };
  expect(await refused('export default () => {\n  let x = ;\n}')).toEqual([
    400,
    'bundle_invalid',
    expect.objectContaining({ file: 'index.ts', line: 2, column: expect.any(Number) }),
  ]);
  expect(await refused('import "not-installed";\nexport default () => new Response()')).toEqual([
    400,
    'bundle_invalid',
    expect.objectContaining({ file: 'index.ts', line: 1, message: expect.stringContaining('not-installed') }),
  ]);
  expect(await refused('const x: number = 1;\nthrow new Error("at import");')).toEqual([
    400,
    'bundle_invalid',
    expect.objectContaining({ message: expect.stringContaining('at import') }),
  ]);
  expect(await text('/careful')).toBe('kept');
});

test('pages of other origins call it as they call the rest, unless it answers them itself', async () => {
  const origin = 'https://shop.example';
  const shared = await startServer({ environment: { REACTOR_SERVER__CORS__ALLOW_ORIGINS: origin } });
  await deploy(
    shared,
    'cross',
    `export default (request) => {
       const own = { 'Access-Control-Allow-Origin': 'https://partner.example', Vary: 'Accept' };
       const { pathname } = new URL(request.url);
       return new Response(request.method, { status: pathname === '/bad' ? 418 : 200, headers: pathname === '/own' ? own : {} });
     }`,
  );
  const preflight = (from: string) =>
    fetch(`${shared.url}/fn/v1/cross/x`, {
      method: 'OPTIONS',
      headers: { Origin: from, 'Access-Control-Request-Method': 'PATCH' },
    });
  const known = await preflight(origin);
  expect([known.status, known.headers.get('Access-Control-Allow-Origin')]).toEqual([204, origin]);
  // What we do not answer is the function's to answer.
  const unknown = await preflight('https://partner.example');
  expect([unknown.headers.get('Access-Control-Allow-Origin'), await unknown.text()]).toEqual([null, 'OPTIONS']);
  for (const [to, status, allowed] of [
    ['/fn/v1/cross', 200, origin],
    ['/fn/v1/cross/bad', 418, origin],
    ['/fn/v1/not-there', 404, origin],
    ['/fn/v1/cross/own', 200, 'https://partner.example'],
  ] as const) {
    const answer = await fetch(`${shared.url}${to}`, { headers: { Origin: origin } });
    expect([to, answer.status, answer.headers.get('Access-Control-Allow-Origin')]).toEqual([to, status, allowed]);
    expect(answer.headers.get('Access-Control-Expose-Headers')).toContain('X-Reactor-Function');
    expect(answer.headers.get('Access-Control-Allow-Credentials')).toBeNull();
    expect(answer.headers.get('Vary')).toContain('Origin');
  }
});
