import { once } from 'node:events';
import { connect } from 'node:net';
import {
  allowLongAnswer,
  createRoutes,
  type RequestSignal,
  signalOfRequest,
  silentLogger,
  systemClock,
} from '@reactor/core';
import { createAnswerHeaders, createMetrics, errorHandler, instrumentHttp } from '@reactor/observability';
import { onTestFinished } from 'vitest';
import { listen } from '../../src/http/listener.js';

/** More than the buffers of a connection take. */
export const LARGE_BYTES = 8_000_000;

/** The listener with routes that take their time, how many handlers were called, and how many have not ended. */
export async function serveForTest({ timeoutMs = 30_000 } = {}) {
  const refusals: { status: number; requestId: string }[] = [];
  const held: { release?: () => void; entered?: () => void } = {};
  const entered = new Promise<void>((resolve) => {
    held.entered = resolve;
  });
  const signals: RequestSignal[] = [];
  let running = 0;
  let taken = 0;
  const app = createRoutes();
  app.onError(errorHandler);
  app.use(async (_, next) => {
    running += 1;
    taken += 1;
    await next().finally(() => {
      running -= 1;
    });
  });
  app.get('/', (c) => c.text('hello'));
  app.get('/held', async (c) => {
    if (c.req.query('long') !== undefined) allowLongAnswer(c);
    await new Promise<void>((resolve) => {
      held.release = resolve;
      held.entered?.();
    });
    return c.text('answered');
  });
  app.get('/held-stream', (c) =>
    c.body(
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new Uint8Array([97]));
          held.release = () => controller.close();
          held.entered?.();
        },
      }),
    ),
  );
  app.post('/read', async (c) => c.text(String((await c.req.arrayBuffer()).byteLength)));
  app.get('/stream', (c) => {
    const body = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await new Promise((resolve) => setTimeout(resolve, 10));
        controller.enqueue(new TextEncoder().encode('more'));
      },
    });
    return c.body(body);
  });
  app.get('/slow', async (c) => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    return c.text('slow');
  });
  app.get('/until-left', (c) => {
    const { signal } = c.req.raw;
    return new Promise<Response>((resolve) => signal.addEventListener('abort', () => resolve(c.text('too late'))));
  });
  app.post('/refuse', (c) => {
    // Makes the adapter begin to read it.
    void c.req.raw.body;
    return c.text('no', 413);
  });
  app.get('/large', (c) => c.body(new Uint8Array(LARGE_BYTES)));
  app.get('/quiet', (c) => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array([97])) });
    return c.body(body);
  });
  app.get('/never', (c) => {
    signals.push(signalOfRequest(c));
    return new Promise<Response>(() => {});
  });
  app.get('/signal', (c) => {
    signals.push(signalOfRequest(c));
    return c.text(String(signalOfRequest(c) === signals.at(-1)));
  });
  const context = { clock: systemClock, logger: silentLogger };
  const http = instrumentHttp({ ...context, capabilities: [] });
  const metrics = createMetrics(context);
  metrics.contribute('http', http.metrics);
  const listener = await listen(http.observe(app, { mounts: [] }), {
    host: '127.0.0.1',
    port: 0,
    timeoutMs,
    maxHeaderBytes: 4096,
    maxBodyBytes: 1_000_000_000_000,
    answerHeaders: createAnswerHeaders(),
    onRefused: (refusal) => refusals.push(refusal),
  });
  onTestFinished(async () => {
    await listener.close(AbortSignal.abort());
  });
  return {
    listener,
    entered,
    held,
    refusals,
    signals,
    running: () => running,
    taken: () => taken,
    /** HTTP samples other than 0, as a scrape shows them. */
    async samples(family: string) {
      const text = await (await metrics.routes.request('/metrics')).text();
      return text.split('\n').filter((line) => line.startsWith(`${family}{`) && !line.endsWith(' 0'));
    },
    port: Number(new URL(listener.url).port),
  };
}

/** Sends bytes as they are and reads until the server closes. */
export async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  await once(socket, 'close');
  return answer;
}
