import { connect } from 'node:net';
import { coreErrors, requestOf } from '@reactor/core';
import { listen } from '@reactor/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createApp } from './app.js';

test('one request moves exactly one series of each family and writes one line', async () => {
  const { app, requests, durations, inFlight, accessLines, server } = createApp();
  app.post('/jobs/v1/runs/:id', (c) => {
    requestOf(c).principal = { kind: 'user', id: 'u-1', claims: {} };
    return c.json({}, 201);
  });
  const { url } = await listen(server);
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const headers = { 'X-Request-Id': 'r-1', traceparent };
  const response = await fetch(`${url}/jobs/v1/runs/7?token=s3cret`, { method: 'POST', headers });
  await response.text();
  await vi.waitFor(() => expect(accessLines()).toHaveLength(1));

  expect(await requests('jobs', 'POST', 201)).toBe(1);
  expect(await durations('jobs', '/jobs/v1/runs/:id')).toBe(1);
  expect(await inFlight('jobs')).toBe(0);
  expect(accessLines()).toEqual([
    {
      level: 'info',
      target: 'reactor_jobs',
      message: 'request completed',
      fields: {
        method: 'POST',
        path: '/jobs/v1/runs/7',
        status: 201,
        duration_ms: expect.any(Number),
        request_id: 'r-1',
        sub: 'u-1',
        trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
      },
    },
  ]);
});

test('the route label is the pattern of the handler, whoever answered', async () => {
  const { app, durations, request } = createApp();
  app.use('/jobs/v1/*', async (c, next) => {
    if (c.req.header('Authorization') === undefined) throw coreErrors.create.unauthorized('Who are you?');
    await next();
  });
  app.get('/jobs/v1/runs/:id', (c) => c.text('run'));
  app.all('/storage/v1/:bucket/*', (c) => c.text('object'));
  app.get('/*', (c, next) => (c.req.path === '/site' ? c.text('page') : next()));
  const authorized = { headers: { Authorization: 'Bearer x' } };
  await request('/jobs/v1/runs/1', authorized);
  await request('/jobs/v1/runs/2');
  await request('/storage/v1/b/a/b/c', { method: 'PUT' });
  await request('/storage/v1/b/a/b/c');
  await request('/site');
  await request('/nowhere');
  await request('/nowhere/else', { method: 'PATCH' });
  await request('/jobs/v1/nowhere', authorized);

  expect(await durations('jobs', '/jobs/v1/runs/:id')).toBe(2);
  expect(await durations('storage', '/storage/v1/:bucket/*')).toBe(2);
  expect(await durations('server', '/*')).toBe(1);
  expect(await durations('server', 'unmatched')).toBe(2);
  expect(await durations('jobs', 'unmatched')).toBe(1);
});

test('an error is counted under its status, an unknown method as _OTHER', async () => {
  const { app, requests, request } = createApp();
  app.get('/jobs/v1/fault', () => {
    throw new Error('fault');
  });
  app.on('PURGE', '/jobs/v1/cache', (c) => c.body(null, 204));
  await request('/jobs/v1/fault');
  await request('/jobs/v1/cache', { method: 'PURGE' });
  expect(await requests('jobs', 'GET', 500)).toBe(1);
  expect(await requests('jobs', '_OTHER', 204)).toBe(1);
  expect(await requests('storage', 'GET', 500)).toBe(0);
});

test('the line of a refused request says with which code', async () => {
  const { app, accessLines, request } = createApp();
  app.get('/jobs/v1/runs', () => {
    throw coreErrors.create.forbidden('Not yours.');
  });
  await request('/jobs/v1/runs');
  expect(accessLines()[0]?.fields).toMatchObject({ status: 403, code: 'forbidden' });
});

test('a streamed body counts until its last byte, unbuffered', async () => {
  const { app, requests, inFlight, accessLines, server } = createApp();
  let push: ReadableStreamDefaultController<Uint8Array> | undefined;
  app.get('/storage/v1/stream', () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        push = controller;
      },
    });
    return new Response(body);
  });
  const { url } = await listen(server);
  const response = await fetch(`${url}/storage/v1/stream`);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const first = reader.read();
  push?.enqueue(Buffer.from('one'));
  expect(Buffer.from((await first).value ?? []).toString()).toBe('one');
  expect(await inFlight('storage')).toBe(1);
  expect(await requests('storage', 'GET', 200)).toBeUndefined();

  push?.close();
  expect((await reader.read()).done).toBe(true);
  await vi.waitFor(() => expect(accessLines()).toHaveLength(1));
  expect(await inFlight('storage')).toBe(0);
  expect(await requests('storage', 'GET', 200)).toBe(1);
});

test('the stream of a response is read no faster than its client reads', async () => {
  const { app, server } = createApp();
  const chunk = new Uint8Array(1024 * 1024);
  let pulled = 0;
  app.get('/endless', () => {
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled++;
          controller.enqueue(chunk);
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body);
  });
  const { port } = await listen(server);
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  socket.pause();
  socket.write('GET /endless HTTP/1.1\r\nHost: x\r\n\r\n');
  // Once the socket's buffers are full nothing more is pulled: two looks 50 ms apart see the same number.
  await vi.waitFor(
    async () => {
      const before = pulled;
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(before).toBeGreaterThan(0);
      expect(pulled).toBe(before);
    },
    { timeout: 10_000 },
  );
  expect(pulled).toBeLessThan(64);
});

test('a client that leaves before the answer counts as 499, while its handler still counts as load', async () => {
  const { app, requests, inFlight, accessLines, lines, server } = createApp();
  let arrived = () => {};
  const inHandler = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  let finishHandler = () => {};
  app.get('/jobs/v1/slow', async (c) => {
    arrived();
    await new Promise<void>((resolve) => {
      finishHandler = resolve;
    });
    if (c.req.query('then') === 'fail') throw new Error('the database connection of a cancelled request');
    return c.text('too late');
  });
  const { url } = await listen(server);
  const controller = new AbortController();
  const response = fetch(`${url}/jobs/v1/slow?then=fail`, { signal: controller.signal });
  await inHandler;
  expect(await inFlight('jobs')).toBe(1);
  controller.abort();
  await expect(response).rejects.toThrow();
  await vi.waitFor(() => expect(accessLines()).toHaveLength(1));
  expect(accessLines()[0]?.fields).toMatchObject({ status: 499, aborted: true });
  expect(await requests('jobs', 'GET', 499)).toBe(1);
  expect(await inFlight('jobs')).toBe(1);

  finishHandler();
  await vi.waitFor(async () => expect(await inFlight('jobs')).toBe(0));
  expect(await requests('jobs', 'GET', 499)).toBe(1);
  expect(await requests('jobs', 'GET', 500)).toBe(0);
  expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('a client that leaves in the middle of a stream keeps the status it saw, and the source is cancelled', async () => {
  const { app, requests, inFlight, accessLines, server } = createApp();
  let cancelled = false;
  app.get('/jobs/v1/events', () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from('event: one\n\n'));
      },
      cancel() {
        cancelled = true;
      },
    });
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  });
  const { url } = await listen(server);
  const controller = new AbortController();
  const response = await fetch(`${url}/jobs/v1/events`, { signal: controller.signal });
  await response.body?.getReader().read();
  controller.abort();
  await vi.waitFor(() => expect(accessLines()).toHaveLength(1));
  expect(accessLines()[0]?.fields).toMatchObject({ status: 200, aborted: true });
  expect(await requests('jobs', 'GET', 200)).toBe(1);
  await vi.waitFor(() => expect(cancelled).toBe(true));
  expect(await inFlight('jobs')).toBe(0);
});

test('a client that leaves in the middle of its upload is no server error', async () => {
  const { app, requests, accessLines, lines, server } = createApp();
  app.post('/storage/v1/upload', async (c) => c.text(String((await c.req.arrayBuffer()).byteLength)));
  const { port } = await listen(server);
  const socket = connect(port, '127.0.0.1');
  socket.write('POST /storage/v1/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc', () => socket.destroy());
  await vi.waitFor(() => expect(accessLines()).toHaveLength(1));
  expect(await requests('storage', 'POST', 499)).toBe(1);
  expect(lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
});

test('HEAD counts once and under HEAD; requests of one connection count each', async () => {
  const { app, requests, durations, accessLines, server } = createApp();
  app.get('/jobs/v1/runs', (c) => c.text('runs'));
  const { url } = await listen(server);
  await fetch(`${url}/jobs/v1/runs`, { method: 'HEAD' });
  for (let i = 0; i < 5; i++) await (await fetch(`${url}/jobs/v1/runs`)).text();
  await vi.waitFor(() => expect(accessLines()).toHaveLength(6));
  expect(await requests('jobs', 'HEAD', 200)).toBe(1);
  expect(await requests('jobs', 'GET', 200)).toBe(5);
  expect(await durations('jobs', '/jobs/v1/runs')).toBe(6);
});

test('durations follow the clock', async () => {
  let time = 0;
  const { app, series, accessLines, request } = createApp({ now: () => time, monotonic: () => time });
  app.get('/', (c) => {
    time += 1234.5678;
    return c.text('slow');
  });
  await request('/');
  const bucket = (le: string) =>
    series(`reactor_http_request_duration_seconds_bucket{le="${le}",capability="server",route="/"}`);
  expect(accessLines()[0]?.fields.duration_ms).toBe(1234.568);
  expect(await bucket('1')).toBe(0);
  expect(await bucket('2.5')).toBe(1);
});
