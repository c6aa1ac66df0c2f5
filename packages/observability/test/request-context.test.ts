import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Peer, type ReactorEnv, requestOf, systemClock } from '@reactor/core';
import { listen, recordingLogger } from '@reactor/testing';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { createAnswerHeaders, instrumentHttp } from '../src/index.js';
import { createApp } from './app.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;

test('every kind of answer carries a request id, over a real socket', async () => {
  const { app, server } = createApp();
  app.get('/text', (c) => c.text('hi'));
  app.get('/raw', () => new Response('raw'));
  app.get('/proxied', () => fetch('data:text/plain,from-elsewhere'));
  app.get('/forged', () => new Response('x', { headers: { 'X-Request-Id': 'of-another-request' } }));
  app.get('/stream', () => new Response(new Blob(['streamed']).stream()));
  app.get('/direct', (c) => {
    const { outgoing } = c.env as unknown as HttpBindings;
    outgoing.writeHead(200, ['Content-Length', '0']).end();
    return RESPONSE_ALREADY_SENT;
  });
  app.get('/empty', (c) => c.body(null, 204));
  app.get('/fault', () => {
    throw new Error('fault');
  });
  app.get('/oddity', () => {
    throw 'not an Error';
  });
  const { url } = await listen(server);
  const paths = ['text', 'raw', 'proxied', 'forged', 'stream', 'direct', 'empty', 'fault', 'oddity', 'nowhere'];
  for (const path of paths) {
    const response = await fetch(`${url}/${path}`, { headers: { 'X-Request-Id': 'test-request-123' } });
    expect([path, response.headers.get('X-Request-Id')]).toEqual([path, 'test-request-123']);
    await response.body?.cancel();
  }
  const head = await fetch(`${url}/text`, { method: 'HEAD', headers: { 'X-Request-Id': 'head-1' } });
  expect(head.headers.get('X-Request-Id')).toBe('head-1');
});

const OWN_ANSWER = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': null,
  'x-content-type-options': 'nosniff',
};
const NO_SNIFFING_ONLY = {
  ...Object.fromEntries(Object.keys(OWN_ANSWER).map((name) => [name, null])),
  'x-content-type-options': 'nosniff',
};

test('every answer says what browsers may do with it, in the words of the app where it has its own', async () => {
  const { app, request, server } = createApp();
  const policy = { 'Content-Security-Policy': "default-src 'self'" };
  app.get('/text', (c) => c.text('hi'));
  app.get('/proxied', () => fetch('data:text/plain,from-elsewhere'));
  app.get('/stream', () => new Response(new Blob(['streamed']).stream()));
  app.get('/cookies', (c) => {
    for (const cookie of ['a=1', 'b=2']) c.header('Set-Cookie', cookie, { append: true });
    return c.text('hi');
  });
  app.get('/page', (c) => c.html('<p>', 200, policy));
  app.get('/raw-page', () => new Response('<p>', { headers: policy }));
  app.get('/list', (c) => {
    const { outgoing } = c.env as unknown as HttpBindings;
    const list = ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', ...Object.entries(policy).flat(), 'Content-Length', '0'];
    outgoing.writeHead(200, list).end();
    return RESPONSE_ALREADY_SENT;
  });
  app.get('/site', (c) => {
    requestOf(c).ownHeaders = true;
    return c.html('<p>');
  });
  app.get('/broken-site', (c) => {
    requestOf(c).ownHeaders = true;
    throw new Error('fault');
  });
  const { url } = await listen(server);
  const page = { ...OWN_ANSWER, 'content-security-policy': "default-src 'self'" };
  const expected = {
    '/text': OWN_ANSWER,
    '/proxied': OWN_ANSWER,
    '/stream': OWN_ANSWER,
    '/cookies': OWN_ANSWER,
    '/nowhere': OWN_ANSWER,
    '/broken-site': OWN_ANSWER,
    '/page': page,
    '/raw-page': page,
    '/list': page,
    '/site': NO_SNIFFING_ONLY,
  };
  for (const [path, wanted] of Object.entries(expected)) {
    const overSocket = await fetch(`${url}${path}`);
    if (path === '/cookies' || path === '/list') expect(overSocket.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    // Without Node's objects the headers go onto the Response.
    const answers = path === '/list' ? [overSocket] : [overSocket, await request(path)];
    for (const answer of answers) {
      const headers = Object.fromEntries(Object.keys(OWN_ANSWER).map((name) => [name, answer.headers.get(name)]));
      expect([path, headers]).toEqual([path, wanted]);
      await answer.body?.cancel();
    }
  }
});

test.each([
  ['https://app.example.com', 'max-age=31536000'],
  ['HTTPS://app.example.com', 'max-age=31536000'],
  ['http://localhost:8000', undefined],
  [undefined, undefined],
])('a public URL of %s: Strict-Transport-Security is %s', (publicUrl, expected) => {
  expect(createAnswerHeaders(publicUrl)['strict-transport-security']).toBe(expected);
});

test('an unsafe or missing inbound id is replaced by a fresh one', async () => {
  const { app, request } = createApp();
  app.get('/', (c) => c.text(requestOf(c).requestId));
  for (const headers of [{}, { 'X-Request-Id': 'has space' }, { 'X-Request-Id': 'x'.repeat(129) }]) {
    const response = await request('/', { headers: headers as Record<string, string> });
    const id = response.headers.get('X-Request-Id');
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
    expect(await response.text()).toBe(id);
  }
});

test('lines of a request carry its id, and its trace id when traced', async () => {
  const { app, lines, request } = createApp();
  app.get('/', (c) => {
    requestOf(c).logger.info('at work');
    return c.body(null, 204);
  });
  await request('/', { headers: { 'X-Request-Id': 'r-1', traceparent: TRACEPARENT } });
  await request('/', { headers: { 'X-Request-Id': 'r-2', traceparent: 'nonsense' } });
  expect(lines.filter(({ message }) => message === 'at work').map(({ fields }) => fields)).toEqual([
    { request_id: 'r-1', trace_id: TRACE_ID },
    { request_id: 'r-2' },
  ]);
});

test('something other than an Error thrown by a handler is an internal error', async () => {
  const { app, requests, request } = createApp();
  app.get('/', () => {
    throw { code: 'odd' };
  });
  const response = await request('/');
  expect(response.status).toBe(500);
  expect(await response.json()).toMatchObject({ error: { code: 'internal_error' } });
  expect(await requests('server', 'GET', 500)).toBe(1);
});

async function peerOf(headers: Record<string, string>, trustedProxies: readonly string[], address = '10.0.0.1') {
  const app = new Hono<ReactorEnv>();
  let peer: Peer | undefined;
  app.get('/', (c) => {
    peer = requestOf(c).peer;
    return c.body(null);
  });
  const http = instrumentHttp({
    clock: systemClock,
    logger: recordingLogger().logger,
    capabilities: [],
    trustedProxies,
  });
  const bindings = { incoming: { headers: {}, socket: { remoteAddress: address } } };
  await http.observe(app, { mounts: [] })(new Request('http://localhost/', { headers }), bindings);
  return { address: peer?.address, forwarded: peer?.forwarded, clientAddress: peer?.clientAddress };
}

test.each([
  ['no proxy trusted', { 'X-Forwarded-For': '1.1.1.1' }, [], '10.0.0.1'],
  ['the socket peer is trusted', { 'X-Forwarded-For': '1.1.1.1' }, ['10.0.0.0/8'], '1.1.1.1'],
  ['a forged first hop is not believed', { 'X-Forwarded-For': '9.9.9.9, 1.1.1.1' }, ['10.0.0.1'], '1.1.1.1'],
  ['a chain of trusted hops', { 'X-Forwarded-For': '2001:db8::7, 10.2.0.1, 10.3.0.1' }, ['10.0.0.0/8'], '2001:db8::7'],
  ['ports and brackets', { 'X-Forwarded-For': '[2001:db8::7]:99, 10.2.0.1:80' }, ['10.0.0.0/8'], '2001:db8::7'],
  ['a hop that is no address ends the chain', { 'X-Forwarded-For': '1.1.1.1, unknown' }, ['10.0.0.1'], '10.0.0.1'],
  ['nothing but trusted hops', { 'X-Forwarded-For': '10.9.9.9' }, ['10.0.0.0/8'], '10.9.9.9'],
])('client address: %s', async (_, headers, trusted, expected) => {
  expect(await peerOf(headers, trusted)).toEqual({ address: '10.0.0.1', forwarded: true, clientAddress: expected });
});

test('forwarded says whether any relay header came; a mapped IPv4 address is shown plainly', async () => {
  expect(await peerOf({}, [])).toMatchObject({ forwarded: false });
  expect(await peerOf({ Forwarded: 'for=1.1.1.1' }, [])).toMatchObject({ forwarded: true });
  expect(await peerOf({ 'X-Forwarded-Proto': 'https' }, [])).toMatchObject({ forwarded: true });
  expect(await peerOf({}, [], '::ffff:127.0.0.1')).toMatchObject({ address: '127.0.0.1', clientAddress: '127.0.0.1' });
});

test.each(['10.0.0.0/33', 'proxy.example', '10.0.0.0/8/8', '10.0.0.0/', '::1/129', ''])(
  'trusted proxy %j is refused by name',
  (entry) => {
    const options = { clock: systemClock, logger: recordingLogger().logger, capabilities: [], trustedProxies: [entry] };
    expect(() => instrumentHttp(options)).toThrow(`trusted proxy ${JSON.stringify(entry)} is neither`);
  },
);
