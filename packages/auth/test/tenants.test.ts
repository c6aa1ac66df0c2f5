import { OpenTenants, type ReactorEnv, silentLogger } from '@reactor/core';
import { Hono } from 'hono';
import { expect, onTestFinished, test } from 'vitest';
import { type AuthPorts, createAuth, parseAuthConfig } from '../src/index.js';
import { createAuthDatabase, dateClock, PASSWORD, SECRET } from './fixture.js';

const EMAIL = 'ada@example.com';

/** Auth mounted once for two tenants, `a` and `b`, each with a database of its own. */
async function mountTwice() {
  const databases = { a: (await createAuthDatabase()).database, b: (await createAuthDatabase()).database };
  const tenants = new OpenTenants<AuthPorts>({
    open: async (id) => ({ database: databases[id as 'a' | 'b'] }),
    close: async () => {},
  });
  const config = parseAuthConfig({ secret: SECRET, allow_signup: true });
  const auth = createAuth(config, { tenants, clock: dateClock, logger: silentLogger });
  await auth.start();
  onTestFinished(async () => {
    await auth.stop(AbortSignal.timeout(1_000));
    await tenants.close(AbortSignal.timeout(1_000));
  });
  const app = new Hono<ReactorEnv>();
  app.use(tenants.middleware((c) => c.req.header('X-Tenant') ?? ''));
  app.route(auth.basePath, auth.routes);
  app.get('/whoami', async (c) => {
    const token = c.req.header('Authorization')?.slice('Bearer '.length) ?? '';
    const principal = await auth.tokens.verify(token, c);
    return c.json({ id: principal.kind === 'user' ? principal.id : undefined });
  });
  const send = async (tenant: string, path: string, init: { json?: unknown; token?: string } = {}) => {
    const { json, token } = init;
    const response = await app.request(path, {
      method: json === undefined ? 'GET' : 'POST',
      headers: {
        'X-Tenant': tenant,
        ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  const signUp = async (tenant: string, password = PASSWORD) =>
    (await send(tenant, '/auth/v1/signup', { json: { email: EMAIL, password } })).body;
  return { auth, tenants, databases, send, signUp };
}

test('one address has an account with each tenant, and neither knows the password of the other', async () => {
  const { send, signUp, databases } = await mountTwice();
  const [a, b] = [await signUp('a', 'the password with a'), await signUp('b', 'the password with b')];
  expect(a.user.id).not.toBe(b.user.id);
  const login = (tenant: string, password: string) =>
    send(tenant, '/auth/v1/login', { json: { email: EMAIL, password } });
  expect((await login('a', 'the password with a')).status).toBe(200);
  expect((await login('b', 'the password with a')).status).toBe(401);
  for (const { query } of [databases.a, databases.b].map((database) => ({ query: database.query.bind(database) }))) {
    expect((await query('SELECT count(*)::int AS users FROM reactor_auth.users')).rows).toEqual([{ users: 1 }]);
  }
});

test('no token of one opens anything of the other, warm or cold', async () => {
  const { send, signUp } = await mountTwice();
  const a = await signUp('a');
  const b = await signUp('b');
  for (const [own, other, session] of [
    ['a', 'b', a],
    ['b', 'a', b],
  ] as const) {
    const { access_token: token, refresh_token } = session;
    // Both orders, so that a key which one has learned is not taken for one of the other.
    expect((await send(own, '/whoami', { token })).body).toEqual({ id: session.user.id });
    expect((await send(other, '/whoami', { token })).status).toBe(401);
    expect((await send(other, '/auth/v1/user', { token })).status).toBe(401);
    expect((await send(own, '/auth/v1/user', { token })).status).toBe(200);
    expect((await send(other, '/auth/v1/user', { token: refresh_token })).status).toBe(401);
    expect((await send(other, '/auth/v1/token', { json: { refresh_token } })).status).toBe(401);
    expect((await send(other, '/auth/v1/get-session', { token: refresh_token })).body).toBeNull();
    expect((await send(other, '/auth/v1/logout', { json: { refresh_token } })).status).toBe(204);
    expect((await send(own, '/auth/v1/token', { json: { refresh_token } })).status).toBe(200);
  }
});

test('each has keys of its own', async () => {
  const { send, signUp } = await mountTwice();
  await signUp('a');
  await signUp('b');
  const kids = async (tenant: string) =>
    (await send(tenant, '/auth/v1/keys')).body.keys.map(({ kid }: { kid: string }) => kid);
  const [a, b] = [await kids('a'), await kids('b')];
  expect(a).toHaveLength(1);
  expect(b).toHaveLength(1);
  expect(a).not.toEqual(b);
});

test('who guesses at an account of one does not lock it with the other', async () => {
  const { send, signUp } = await mountTwice();
  await signUp('a');
  await signUp('b');
  const login = (tenant: string, password: string) =>
    send(tenant, '/auth/v1/login', { json: { email: EMAIL, password } });
  for (let guesses = 0; guesses < 10; guesses++) await login('a', 'a wrong password');
  expect((await login('a', PASSWORD)).status).toBe(429);
  expect((await login('b', PASSWORD)).status).toBe(200);
});

test('gauges are of all, and health and probes look at each', async () => {
  const { auth, send, signUp, databases } = await mountTwice();
  await signUp('a');
  await signUp('b');
  const sessions = auth.metrics.families.find(({ name }) => name === 'reactor_auth_active_sessions');
  expect((await sessions?.get())?.values).toMatchObject([{ value: 2 }]);
  const health = () => auth.health.check(AbortSignal.timeout(1_000));
  const keys = async () => auth.probes.find(({ name }) => name === 'signing_keys')?.run(AbortSignal.timeout(2_000));
  expect(await health()).toEqual({ status: 'ok' });
  expect(await keys()).toMatchObject({ status: 'ok' });
  await databases.b.query(`UPDATE reactor_auth.signing_keys SET private_key = '"damaged"'`);
  expect(await keys()).toMatchObject({ status: 'fail', code: 'signing_keys_unusable' });
  expect((await send('a', '/auth/v1/health')).status).toBe(200);
});

test('a tenant that was dropped comes back with its accounts', async () => {
  const { tenants, send, signUp } = await mountTwice();
  const { refresh_token } = await signUp('a');
  await tenants.drop('a');
  expect((await send('a', '/auth/v1/token', { json: { refresh_token } })).status).toBe(200);
});
