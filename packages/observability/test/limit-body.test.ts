import { once } from 'node:events';
import { connect } from 'node:net';
import { limitBody } from '@reactor/core';
import { listen } from '@reactor/testing';
import { expect, onTestFinished, test } from 'vitest';
import { createApp } from './app.js';

/** Sends the head of a request, then body without end, until the server closes. Returns what it answered. */
async function flood(port: number, head: string, chunk: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  // Writing into a connection that the server has closed fails.
  socket.on('error', () => {});
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  socket.write(`${head}\r\nHost: a\r\n\r\n`);
  const more = setInterval(() => socket.write(chunk), 5);
  onTestFinished(() => clearInterval(more));
  await once(socket, 'close');
  return answer;
}

async function serve(): Promise<number> {
  const { app, server } = createApp();
  app.use(limitBody(1000));
  app.all('/', async (c) => c.text(`read ${(await c.req.text()).length}`));
  return (await listen(server)).port;
}

test.each(['GET', 'POST', 'DELETE', 'OPTIONS'])(
  'a %s that declares too long a body is refused and cut off',
  async (method) => {
    const answer = await flood(await serve(), `${method} / HTTP/1.1\r\nContent-Length: 100000000000`, 'x'.repeat(100));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/^connection: close\r$/im);
    expect(answer).toContain('payload_too_large');
  },
);

test('so is a body without a declared length, at the limit', async () => {
  const chunk = `64\r\n${'x'.repeat(100)}\r\n`;
  const answer = await flood(await serve(), 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked', chunk);
  expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  expect(answer).toMatch(/^connection: close\r$/im);
});

test.each(['GET', 'HEAD'])('the body of a %s, which nobody reads, goes with its connection', async (method) => {
  const chunk = `64\r\n${'x'.repeat(100)}\r\n`;
  const answer = await flood(await serve(), `${method} / HTTP/1.1\r\nTransfer-Encoding: chunked`, chunk);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).toMatch(/^connection: close\r$/im);
});

test('a body within the limit leaves the connection open', async () => {
  const { app, server } = createApp();
  app.use(limitBody(1000));
  app.post('/', async (c) => c.text(`read ${(await c.req.text()).length}`));
  const { url } = await listen(server);
  const response = await fetch(url, { method: 'POST', body: 'x'.repeat(1000) });
  expect([response.status, await response.text()]).toEqual([200, 'read 1000']);
  expect(response.headers.get('Connection')).toBe('keep-alive');
});
