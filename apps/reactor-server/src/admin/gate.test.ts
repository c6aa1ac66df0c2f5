import { createRoutes, type Peer, type ReactorEnv, requestOf, silentLogger, type TokenVerifier } from '@reactor/core';
import { errorHandler } from '@reactor/observability';
import { Context } from 'hono';
import { expect, test } from 'vitest';
import { createAdminGate } from './gate.js';

const TOKEN = 'the-operator-token-of-this-test-suite';
const LOCAL: Peer = { address: '127.0.0.1', forwarded: false, clientAddress: '127.0.0.1' };
const REMOTE: Peer = { address: '192.0.2.7', forwarded: false, clientAddress: '192.0.2.7' };

function guarded(peer: Peer | undefined, allowRemote = false) {
  const app = createRoutes();
  app.onError(errorHandler);
  app.use(async (c, next) => {
    c.set('request', { requestId: 'r-1', logger: silentLogger, peer });
    await next();
  });
  app.use('/_admin/*', createAdminGate({ token: TOKEN, allowRemote }).guard);
  app.get('/_admin/thing', (c) => c.json({ kind: requestOf(c).principal?.kind }));
  return (authorization?: string) =>
    app.request('/_admin/thing', authorization === undefined ? {} : { headers: { Authorization: authorization } });
}

test.each([
  ['IPv4', '127.0.0.1'],
  ['all of 127/8', '127.8.8.8'],
  ['IPv6', '::1'],
  ['IPv4 in IPv6', '::ffff:127.0.0.1'],
])('the token opens it from loopback: %s', async (_, address) => {
  const response = await guarded({ ...LOCAL, address })(`Bearer ${TOKEN}`);
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ kind: 'system' });
});

test.each([
  ['nothing', undefined],
  ['another token', 'Bearer nope'],
  ['a prefix of the token', `Bearer ${TOKEN.slice(0, -1)}`],
  ['another scheme', `Basic ${TOKEN}`],
  ['an empty one', 'Bearer '],
])('%s is 401 with a challenge', async (_, authorization) => {
  const response = await guarded(LOCAL)(authorization);
  expect(response.status).toBe(401);
  expect(response.headers.get('WWW-Authenticate')).toBe('Bearer');
  expect(await response.json()).toMatchObject({ error: { code: 'unauthorized' } });
});

test.each([
  ['another machine', REMOTE],
  ['a relay on this machine', { ...LOCAL, forwarded: true }],
  ['nobody knows who', undefined],
])('%s is 403 before the token is looked at, naming the key', async (_, peer) => {
  for (const authorization of [undefined, 'Bearer nope', `Bearer ${TOKEN}`]) {
    const response = await guarded(peer)(authorization);
    expect(response.status).toBe(403);
    expect(JSON.stringify(await response.json())).toContain('admin.allow_remote');
  }
});

test('with admin.allow_remote the token decides', async () => {
  expect((await guarded(REMOTE, true)(`Bearer ${TOKEN}`)).status).toBe(200);
  expect((await guarded(REMOTE, true)('Bearer nope')).status).toBe(401);
});

/** A request of that peer. */
function from(peer: Peer): Context<ReactorEnv> {
  const c = new Context<ReactorEnv>(new Request('http://server.test/'));
  c.set('request', { requestId: 'r-1', logger: silentLogger, peer });
  return c;
}

test('on capability routes it is the system identity under the same rule; other tokens are not its business', async () => {
  const users: TokenVerifier = { verify: async () => ({ kind: 'user', id: 'u-1', claims: {} }) };
  const verifier = createAdminGate({ token: TOKEN, allowRemote: false }).verifier(users);
  expect(await verifier.verify(TOKEN, from(LOCAL))).toEqual({ kind: 'system' });
  expect(await verifier.verify('a-user-token', from(REMOTE))).toMatchObject({ kind: 'user' });
  await expect(verifier.verify(TOKEN, from(REMOTE))).rejects.toMatchObject({ code: 'forbidden', status: 403 });
});
