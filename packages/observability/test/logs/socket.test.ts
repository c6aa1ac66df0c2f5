import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { type Logging, logRoutes } from '../../src/logs/index.js';
import { CAPABILITIES } from '../capabilities.js';
import { fieldOf, parseSse, SseReader, testLogging } from './fixtures.js';

async function listen(logging: Logging): Promise<{ port: number; url: string }> {
  const app = new Hono()
    .get('/ping', (c) => c.text('pong'))
    .route('/', logRoutes(logging, { capabilities: CAPABILITIES }));
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  onTestFinished(async () => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}` };
}

function subscribers(logging: Logging): () => Promise<number | undefined> {
  const registry = new Registry();
  logging.metrics.register(registry);
  return async () => (await registry.getSingleMetric('reactor_log_stream_subscribers')?.get())?.values[0]?.value;
}

async function request(port: number, path: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  return socket;
}

test('the answer begins at once, and a line arrives while the connection stays open', async () => {
  const { logging } = testLogging();
  const { url } = await listen(logging);
  const response = await fetch(`${url}/_admin/logs?follow=1`);
  expect(response.headers.get('Content-Type')).toBe('text/event-stream');
  const reader = new SseReader(response.body);
  logging.logger('a').info('live');
  expect(fieldOf(await reader.next())).toBe('live');
});

test('a client that leaves is forgotten', async () => {
  const { logging } = testLogging();
  const { url } = await listen(logging);
  const count = subscribers(logging);
  const leaving = new AbortController();
  await Promise.all([1, 2, 3].map(() => fetch(`${url}/_admin/logs?follow=1`, { signal: leaving.signal })));
  await expect.poll(count).toBe(3);
  leaving.abort();
  await expect.poll(count).toBe(0);
});

test('HEAD is answered and leaves no stream open', async () => {
  const { logging } = testLogging();
  const { url } = await listen(logging);
  const response = await fetch(`${url}/_admin/logs?follow=1`, { method: 'HEAD' });
  expect([response.status, await response.text()]).toEqual([200, '']);
  expect(await subscribers(logging)()).toBe(0);
});

test('a client that does not read stalls nobody, and learns what it missed', async () => {
  const { logging } = testLogging({ ringBytes: 256 * 1024 });
  const { port, url } = await listen(logging);
  const count = subscribers(logging);
  const socket = await request(port, '/_admin/logs?follow=1');
  socket.pause();
  await expect.poll(count).toBe(1);

  // Well beyond what the kernel buffers for a connection, in slices so that the stream could send them.
  const logger = logging.logger('a');
  for (let slice = 0; slice < 400; slice++) {
    for (let i = 0; i < 25; i++) logger.info('much', { text: 'x'.repeat(4000) });
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(await (await fetch(`${url}/ping`)).text()).toBe('pong');

  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  socket.resume();
  await once(socket, 'close');
  // Take the chunked transfer coding off.
  const body = text.slice(text.indexOf('\r\n\r\n') + 4).replace(/(?:^|\r\n)[0-9a-f]+\r\n/g, '');
  const events = parseSse(body);
  const error = events.pop();
  expect(error?.event).toBe('error');
  const { lost } = JSON.parse(error?.data ?? '{}');
  const ids = events.map((event) => Number(event.id?.split('-')[1]));
  expect(ids).toEqual(ids.map((_, i) => i + 1));
  expect(lost).toBeGreaterThan(0);
  expect(ids.length + lost).toBeLessThanOrEqual(10_000);
  await expect.poll(count).toBe(0);
});

test('open streams end when the log is closed, so that the server can', async () => {
  const { logging } = testLogging();
  const { url } = await listen(logging);
  const response = await fetch(`${url}/_admin/logs?follow=1`);
  const reader = new SseReader(response.body);
  const rest = reader.rest();
  await expect.poll(subscribers(logging)).toBe(1);
  logging.logger('a').info('last words');
  await logging.close();
  expect((await rest).map((event) => fieldOf(event))).toEqual(['last words']);
});
