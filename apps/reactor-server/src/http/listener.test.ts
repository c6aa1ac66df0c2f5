import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { createAnswerHeaders } from '@reactor/observability';
import { expect, onTestFinished, test, vi } from 'vitest';
import { raw, serveForTest } from '../../test/support/serve.js';
import { ExitError } from '../exit.js';
import { listen } from './listener.js';

function valuesOf(head: readonly string[], name: string): string[] {
  return head.flatMap((line) => (line.toLowerCase().startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));
}

async function request(url: string, agent: Agent): Promise<IncomingMessage & { text: string }> {
  const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += chunk;
  return Object.assign(response, { text });
}

test.each([
  ['bytes of no protocol', 'not http at all\r\n\r\n', 400, 'invalid_request'],
  ['a bad Host', 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400, 'invalid_request'],
  ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'invalid_request'],
  [
    'a Host that is an impossible name',
    'GET / HTTP/1.1\r\nHost: xn--\r\nConnection: close\r\n\r\n',
    400,
    'invalid_request',
  ],
  ['an impossible address', 'GET / HTTP/1.1\r\nHost: 256.1.1.1\r\nConnection: close\r\n\r\n', 400, 'invalid_request'],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\nConnection: close\r\n\r\n', 400, 'invalid_request'],
  ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: foo\r\n\r\n', 417, 'expectation_failed'],
  ['a tunnel', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', 405, 'method_not_allowed'],
  ['huge headers', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(5000)}\r\n\r\n`, 431, 'headers_too_large'],
])('%s: answered in the one form', async (_, bytes, status, code) => {
  const { port, refusals } = await serveForTest();
  const answer = await raw(port, bytes);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  const head = answer.slice(0, answer.indexOf('\r\n\r\n')).split('\r\n');
  const [requestId, ...others] = valuesOf(head, 'x-request-id');
  expect(others).toEqual([]);
  for (const [name, value] of Object.entries(createAnswerHeaders())) {
    expect([name, valuesOf(head, name)]).toEqual([name, [value]]);
  }
  const body = answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1);
  expect(JSON.parse(body)).toMatchObject({ error: { code, status, request_id: requestId } });
  expect(refusals).toMatchObject([{ status, code, requestId }]);
});

test('the signal of a request aborts when the server gives it up or the client leaves, and not when it was answered', async () => {
  const { port, signals } = await serveForTest({ timeoutMs: 400 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  expect((await request(`http://127.0.0.1:${port}/signal`, agent)).text).toBe('true');
  const given = get({ port, path: '/never' });
  const [answer] = (await once(given, 'response')) as [IncomingMessage];
  expect(answer.statusCode).toBe(504);
  const leaving = get({ port, path: '/never' });
  leaving.on('error', () => {});
  await vi.waitFor(() => expect(signals).toHaveLength(3));
  // One that only closes may still read, and is not given up at once.
  leaving.socket?.resetAndDestroy();
  await vi.waitFor(() => expect(signals[2]?.aborted).toBe(true));
  expect(signals.map(({ aborted, reason }) => aborted && (reason as Error).message)).toEqual([
    false,
    'The server had no answer within server.request_timeout_secs.',
    'the client left',
  ]);
});

test('a taken port is an exit with its own code, saying what to do', async () => {
  const { port } = await serveForTest();
  const second = listen(() => new Response(), {
    host: '127.0.0.1',
    port,
    timeoutMs: 1000,
    maxHeaderBytes: 4096,
    maxBodyBytes: 1000,
    answerHeaders: {},
    onRefused: () => {},
  });
  const error: unknown = await second.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ExitError);
  expect(error).toMatchObject({ exitCode: 3, message: expect.stringContaining('--bind') });
});

test('close answers the request that was read, then ends', async () => {
  const { listener, entered, held } = await serveForTest();
  const answer = fetch(`${listener.url}/held`);
  await entered;
  const closed = listener.close(AbortSignal.timeout(10_000));
  held.release?.();
  const response = await answer;
  expect(await response.text()).toBe('answered');
  expect(response.headers.get('connection')).toBe('close');
  await closed;
  await expect(fetch(listener.url)).rejects.toThrow();
});

test('close answers what waits behind another on its connection too, and the last answer says so', async () => {
  const { listener, port, entered, held } = await serveForTest();
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const answers = raw(port, get('/held') + get('/slow') + get('/'));
  await entered;
  const closed = listener.close(AbortSignal.timeout(10_000));
  held.release?.();
  expect(await answers).toMatch(/answered[\s\S]*slow[\s\S]*Connection: close[\s\S]*hello$/);
  await closed;
});

test('a kept-alive connection still gets its next request answered while draining, and is told to leave', async () => {
  const { listener } = await serveForTest();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  expect((await request(listener.url, agent)).headers.connection).toBe('keep-alive');
  const closed = listener.close(AbortSignal.timeout(10_000));
  const last = await request(listener.url, agent);
  expect(last).toMatchObject({ text: 'hello', headers: { connection: 'close' } });
  await closed;
});

test('a connection whose answer began before the drain, and ended late in it, does not hold up the end', async () => {
  const { listener, port, held } = await serveForTest();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const streamed = get(`${listener.url}/held-stream`, { agent });
  const [response] = (await once(streamed, 'response')) as [IncomingMessage];
  expect(response.headers.connection).toBe('keep-alive');
  const idle = connect(port, '127.0.0.1');
  await once(idle, 'connect');
  const deadline = AbortSignal.timeout(10_000);
  const closed = listener.close(deadline);
  idle.resume();
  // Those that are idle by then have been cut.
  await once(idle, 'close');
  held.release?.();
  response.resume();
  expect(await closed).toBe(0);
  expect(deadline.aborted).toBe(false);
});

test('past the deadline, what is left is cut', async () => {
  const { listener, entered } = await serveForTest();
  const answer = fetch(`${listener.url}/held`);
  answer.catch(() => {});
  await entered;
  await listener.close(AbortSignal.timeout(50));
  await expect(answer).rejects.toThrow();
});

test('a handler that never answers gives 504, a body that stops coming 408', async () => {
  const { listener, port } = await serveForTest({ timeoutMs: 200 });
  const never = await fetch(`${listener.url}/never`);
  expect(never.status).toBe(504);
  expect(await never.json()).toMatchObject({ error: { code: 'response_timeout' } });
  const stalled = await raw(port, 'POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
  expect(stalled).toMatch(/^HTTP\/1\.1 408 /);
});

test('an answer that may take long is not given up for the sake of one that waits behind it', async () => {
  const { listener, port, held, entered } = await serveForTest({ timeoutMs: 200 });
  const last = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
  const answers = raw(port, `GET /held?long HTTP/1.1\r\nHost: a\r\n\r\n${last}`);
  await entered;
  // Each takes at least as long as the time limit.
  for (let i = 0; i < 2; i++) expect((await fetch(`${listener.url}/never`)).status).toBe(504);
  held.release?.();
  expect(await answers).toMatch(/answered[\s\S]*hello$/);
});

test('a slow body that keeps moving is read to its end, however long it takes', async () => {
  const { port } = await serveForTest({ timeoutMs: 200 });
  const socket = connect(port, '127.0.0.1');
  socket.write('POST /read HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 10\r\n\r\n');
  let sent = 0;
  const drip = setInterval(() => {
    socket.write('x');
    if (++sent === 10) clearInterval(drip);
  }, 60);
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n\r\n10$/);
});

test('HTTP/1.0 without a Host is a request: probes still speak it', async () => {
  const { port } = await serveForTest();
  expect(await raw(port, 'GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 [\s\S]*hello$/);
});

test('connections that never sent anything do not hold a stop up', async () => {
  const { listener, port } = await serveForTest();
  const silent = connect(port, '127.0.0.1');
  await once(silent, 'connect');
  const ended = once(silent, 'close');
  expect(await listener.close(AbortSignal.timeout(10_000))).toBe(0);
  await ended;
});

test('a client that never finishes its headers loses the connection, not only gets an answer', async () => {
  const { port } = await serveForTest({ timeoutMs: 300 });
  const slow = connect(port, '127.0.0.1');
  slow.on('error', () => {});
  const drip = setInterval(() => slow.write('x'), 50);
  onTestFinished(() => clearInterval(drip));
  slow.write('GET / HTTP/1.1\r\nHost: x\r\nX: ');
  let answer = '';
  slow.on('data', (chunk) => {
    answer += chunk;
  });
  await new Promise((resolve) => slow.once('close', resolve));
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
});

test('garbage after a request whose answer is under way cuts the connection and writes nothing into the answer', async () => {
  const { port } = await serveForTest();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
  let answer = '';
  socket.on('data', (chunk) => {
    if (answer === '') socket.write('GARBAGE \0\r\n\r\n');
    answer += chunk;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).not.toContain('400 Bad Request');
});

test('a body that stops being HTTP is a 400 with the id the request has', async () => {
  const { port } = await serveForTest();
  const bytes = 'POST /read HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n';
  const answer = await raw(port, bytes);
  expect(answer).toMatch(/^HTTP\/1\.1 400 [\s\S]*"invalid_request"[\s\S]*"request_id":"mine"/);
  expect(valuesOf(answer.split('\r\n'), 'x-request-id')).toEqual(['mine']);
});

test('a body that goes on after the answer is not read for ever', async () => {
  const { port } = await serveForTest();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000000\r\n\r\n');
  const flood = setInterval(() => socket.write('x'.repeat(1000)), 10);
  onTestFinished(() => clearInterval(flood));
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  await new Promise((resolve) => socket.once('close', resolve));
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
});

test('a client that is refused early reads why, though it still sends its body', async () => {
  const { listener, running } = await serveForTest();
  const statuses = [];
  for (let i = 0; i < 50; i++) {
    const answer = await fetch(`${listener.url}/refuse`, { method: 'POST', body: new Uint8Array(2_000_000) });
    statuses.push([answer.status, await answer.text()]);
  }
  expect(statuses).toEqual(Array(50).fill([413, 'no']));
  expect(running()).toBe(0);
});

test('behind the last answer of a connection no request is taken', async () => {
  const { port, taken } = await serveForTest();
  const last = `POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n`;
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(last);
  let answer = '';
  socket.on('data', (chunk) => {
    if (answer === '') socket.write('abcGET / HTTP/1.1\r\nHost: a\r\n\r\n');
    answer += chunk;
  });
  await once(socket, 'close');
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413']);
  expect(taken()).toBe(1);
});
