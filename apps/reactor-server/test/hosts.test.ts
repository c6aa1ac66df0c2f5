import { once } from 'node:events';
import { connect } from 'node:net';
import { type Capability, createRoutes, metricsContributor } from '@reactor/core';
import { expect, onTestFinished, test } from 'vitest';
import { listen } from '../src/http/listener.js';
import { composeForTest } from './support/compose.js';

const TOKEN = 'the-operator-token-of-this-test-suite';
const AUTHORIZED = `Authorization: Bearer ${TOKEN}\r\n`;

/** The smallest capability there can be. */
function toy(name: string, basePath: Capability['basePath'], rest: Partial<Capability> = {}): Capability {
  return {
    name,
    version: '0.1.0',
    basePath,
    routes: createRoutes(),
    migrations: [],
    metrics: metricsContributor([]),
    health: { timeoutMs: 100, check: async () => ({ status: 'ok' }) },
    probes: [],
    start: async () => {},
    stop: async () => {},
    ...rest,
  };
}

/** The composed server with one capability that has hosts, `pages`, and one that has none, `notes`. */
async function serve() {
  const notes = createRoutes();
  notes.get('/list', (c) => c.text('notes'));
  notes.all('/_admin/reload', (c) => c.text('reloaded'));
  notes.all('/things/:thing/secrets', (c) => c.text('a secret'));
  notes.get('/things/:thing', (c) => c.text('a thing'));
  const pages = createRoutes();
  pages.get('*', (c) => c.text(`page ${new URL(c.req.url).pathname}`));
  const manage = createRoutes();
  manage.get('/list', (c) => c.text('all sites'));
  const capabilities = [
    toy('notes', '/notes/v1', { routes: notes, operatorPaths: ['/_admin/*', '/things/:thing/secrets/*'] }),
    toy('pages', '/pages/v1', {
      routes: manage,
      hosts: { claims: (host) => host === 'shop.example' || host === 'xn--bcher-kva.example', routes: pages },
    }),
  ];
  const { fetch, metrics, answerHeaders, onRefused } = await composeForTest({
    capabilities,
    adminToken: TOKEN,
  });
  const listener = await listen(fetch, {
    host: '127.0.0.1',
    port: 0,
    timeoutMs: 30_000,
    maxHeaderBytes: 16_384,
    maxBodyBytes: 1_000_000,
    answerHeaders,
    onRefused,
  });
  onTestFinished(async () => {
    await listener.close(AbortSignal.abort());
  });
  const port = Number(new URL(listener.url).port);
  return {
    metrics,
    /** Sends the head as it stands: `fetch` would tidy up targets and refuse to set Host. */
    async ask(target: string, host: string, { method = 'GET', headers = '' } = {}) {
      const socket = connect(port, '127.0.0.1');
      let answer = '';
      socket.setEncoding('utf8').on('data', (text: string) => {
        answer += text;
      });
      socket.write(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers}\r\n`);
      await once(socket, 'close');
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      return { status: Number(head.split(' ')[1]), head, body };
    },
  };
}

const HOSTS = [
  'shop.example',
  'SHOP.Example',
  'shop.example:8000',
  'shop.example.',
  'shop.example.:80',
  'shop.example..',
  'xn--bcher-kva.example',
  'XN--BCHER-KVA.example',
];

const INTERNALS = [
  '/metrics',
  '/health',
  '/livez',
  '/readyz',
  '/_admin/version',
  '/_admin/doctor',
  '/_api/openapi.json',
  '/pages/v1/list',
  '/%6detrics',
  '/metrics/',
  '//metrics',
  '/x/../metrics',
  '/%2e%2e/metrics',
  '/METRICS',
  '/metrics?x=1',
];

test('on a host that is claimed, whatever its spelling, no path leads to anything of the server', async () => {
  const { ask } = await serve();
  for (const host of HOSTS) {
    for (const path of INTERNALS) {
      const { status, body } = await ask(path, host, { headers: AUTHORIZED });
      expect([host, path, status, body.slice(0, 6)]).toEqual([host, path, 200, 'page /']);
    }
  }
});

test('a host that only looks like a claimed one after decoding is refused', async () => {
  const { ask } = await serve();
  for (const host of ['shop%2eexample', 'shop%2Eexample', 'sh\u00f8p.example']) {
    expect([host, (await ask('/metrics', host)).status]).toEqual([host, 400]);
  }
});

test('the target of a proxy counts, and not the Host beside it', async () => {
  const { ask } = await serve();
  expect((await ask('http://shop.example/metrics', '127.0.0.1')).body).toBe('page /metrics');
  expect((await ask('http://SHOP.example./metrics', '127.0.0.1')).body).toBe('page /metrics');
  expect((await ask('http://127.0.0.1/livez', 'shop.example')).body).not.toContain('page');
});

test('other capabilities pass, without what is the operator’s', async () => {
  const { ask } = await serve();
  expect((await ask('/notes/v1/list', 'shop.example')).body).toBe('notes');
  expect((await ask('/notes/v1/things/a', 'shop.example')).body).toBe('a thing');
  for (const path of [
    '/notes/v1/_admin/reload',
    '/notes/v1/%5fadmin/reload',
    '/notes/v1/_admin',
    '/notes/v1/things/a/secrets',
    '/notes/v1/things/a/%73ecrets',
  ]) {
    for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) {
      const { status, head } = await ask(path, 'shop.example', { method, headers: AUTHORIZED });
      expect([method, path, status]).toEqual([method, path, 404]);
      expect(head).not.toMatch(/^allow:/im);
    }
  }
});

test('every other host has the whole server, and none of the pages', async () => {
  const { ask } = await serve();
  for (const host of ['127.0.0.1', 'localhost', 'other.example', 'shop.example.evil.example', 'xshop.example']) {
    expect((await ask('/livez', host)).status).toBe(200);
    expect((await ask('/notes/v1/_admin/reload', host)).body).toBe('reloaded');
    expect((await ask('/index.html', host)).status).toBe(404);
  }
});

test('what a host answers counts for who answered, and carries what every answer does', async () => {
  const { ask, metrics } = await serve();
  const { head } = await ask('/index.html', 'shop.example');
  expect(head).toMatch(/^x-request-id: /im);
  await ask('/notes/v1/list', 'shop.example');
  await ask('/livez', 'other.example');
  const family = metrics.registry.getSingleMetric('reactor_http_requests_total');
  const snapshot = await family?.get();
  const counted = snapshot?.values.filter(({ value }) => value > 0).map(({ labels }) => labels.capability);
  expect(counted?.toSorted()).toEqual(['notes', 'pages', 'server']);
});
