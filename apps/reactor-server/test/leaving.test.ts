import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { LARGE_BYTES, serveForTest } from './support/serve.js';

const GET = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const POST = 'POST /read HTTP/1.1\r\nHost: a\r\n';
const CUT_BODY = `${POST}Content-Length: 10\r\n\r\nabc`;

/** Node and its adapter write there what they do not expect, past the log. */
function watchConsole() {
  const written: unknown[] = [];
  for (const method of ['error', 'info', 'warn'] as const) {
    const spy = vi.spyOn(console, method).mockImplementation((...args) => void written.push(args));
    onTestFinished(() => spy.mockRestore());
  }
  return written;
}

/** What a connection got, as statuses with request ids, bodies left out. */
function answersIn(text: string): string[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status as string);
}

async function converse(port: number, run: (socket: Socket) => void): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk;
  });
  run(socket);
  await once(socket, 'close').catch(() => {});
  return received;
}

/** Sure to be enough on a machine that is busy. */
function eventually(assertion: () => void): Promise<void> {
  return vi.waitFor(assertion, { timeout: 10_000 });
}

test.each([
  ['in a body of known length', CUT_BODY],
  ['in a chunked body', `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nab`],
  ['between two chunks', `${POST}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n`],
  ['after the headers', `${POST}Content-Length: 10\r\n\r\n`],
  ['after it was told to go on', `${POST}Content-Length: 10\r\nExpect: 100-continue\r\n\r\n`],
])('a client that leaves %s ends its handler, by FIN as by RST', async (_, bytes) => {
  const written = watchConsole();
  const { port, running, refusals } = await serveForTest();
  for (const leave of ['end', 'resetAndDestroy'] as const) {
    const leaving = converse(port, (socket) => {
      socket.write(bytes);
      void eventually(() => expect(running()).toBe(1)).then(() => socket[leave]());
    });
    expect([leave, answersIn(await leaving).filter((status) => status !== '100')]).toEqual([leave, []]);
    await eventually(() => expect([leave, running()]).toEqual([leave, 0]));
  }
  expect([refusals, written]).toEqual([[], []]);
});

test.each([
  ['bytes of no protocol', `${GET('/slow')}\x01\x02`, ['200', '400']],
  ['the same, where the answer is there at once', `${GET('/')}\x01\x02`, ['200', '400']],
  ['a body longer than declared', `${POST}Content-Length: 3\r\n\r\nabc\x01\x02`, ['200', '400']],
  ['a body that was not declared', `${GET('/slow')}{"a":1}`, ['200', '400']],
  ['two requests and no third', `${GET('/slow')}${GET('/')}\x01\x02`, ['200', '200', '400']],
  ['a tunnel', `${GET('/slow')}CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n`, ['200', '405']],
  ['nothing more, as the client wanted', `${GET('/slow').replace('Host', 'Connection: close\r\nHost')}\x01`, ['200']],
])('what was read whole is answered before what follows it: %s', async (_, bytes, answers) => {
  const written = watchConsole();
  const { port, running, refusals } = await serveForTest();
  const received = await converse(port, (socket) => {
    socket.write(bytes);
    socket.once('end', () => socket.end());
  });
  expect(answersIn(received)).toEqual(answers);
  expect(refusals.map(({ status }) => String(status))).toEqual(answers.slice(answers.lastIndexOf('200') + 1));
  expect([running(), written]).toEqual([0, []]);
});

test.each([
  ['an answer that takes a moment', GET('/slow'), ['200'], 'slow'],
  ['a body that was sent whole', `${POST}Content-Length: 3\r\n\r\nabc`, ['200'], '3'],
  ['two requests', `${GET('/slow')}${GET('/')}`, ['200', '200'], 'hello'],
  ['a request and half of a second one', `${GET('/slow')}${CUT_BODY}`, ['200'], 'slow'],
])('a client that closes its side and reads on gets its answers: %s', async (_, bytes, answers, end) => {
  const { port, running } = await serveForTest();
  const received = await converse(port, (socket) => socket.end(bytes));
  expect(answersIn(received)).toEqual(answers);
  expect(received.endsWith(end)).toBe(true);
  await eventually(() => expect(running()).toBe(0));
});

test('a client that closes its side while a long answer is on its way gets all of it', async () => {
  const { port } = await serveForTest();
  const received = await converse(port, (socket) => {
    socket.write(GET('/large'));
    socket.once('data', () => socket.end());
  });
  expect(received.length - received.indexOf('\r\n\r\n') - 4).toBe(LARGE_BYTES);
});

test.each(['destroy', 'resetAndDestroy'] as const)(
  'a client that leaves a quiet handler is noticed: %s',
  async (leave) => {
    const { port, running } = await serveForTest();
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(GET('/until-left'));
    await eventually(() => expect(running()).toBe(1));
    socket[leave]();
    await eventually(() => expect(running()).toBe(0));
  },
);

test('with a client that leaves, the requests behind the one that it waits for end too', async () => {
  const { port, running, samples, held, entered } = await serveForTest();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(GET('/held') + GET('/') + GET('/until-left') + GET('/stream'));
  await entered;
  await eventually(() => expect(running()).toBe(2));
  socket.resetAndDestroy();
  await eventually(() => expect(running()).toBe(1));
  held.release?.();
  await vi.waitFor(async () => expect(await samples('reactor_http_requests_in_flight')).toEqual([]), 10_000);
  // No answer began, though two were ready.
  expect(await samples('reactor_http_requests_total')).toEqual([
    'reactor_http_requests_total{capability="server",method="GET",status="499"} 4',
  ]);
});

test.each([
  ['while it reads', 30_000, (socket: Socket) => socket.once('data', () => socket.end()).write(GET('/quiet'))],
  ['with its request', 200, (socket: Socket) => socket.end(GET('/quiet'))],
])('a stream that says nothing does not outlive a client that closes its side %s', async (_, timeoutMs, run) => {
  const { port } = await serveForTest({ timeoutMs });
  const received = await converse(port, run);
  expect(answersIn(received)).toEqual(['200']);
});

test('a body that stops being HTTP ends its handler, and what the handler then says is not written', async () => {
  const written = watchConsole();
  const { port, running } = await serveForTest();
  const received = await converse(port, (socket) => {
    socket.write(`${POST}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nZZ\r\n`);
    socket.once('end', () => socket.end());
  });
  expect(answersIn(received)).toEqual(['400']);
  await eventually(() => expect(running()).toBe(0));
  expect(written).toEqual([]);
});

test('a tunnel that is reset at once harms nobody', async () => {
  const { port, listener } = await serveForTest();
  for (let i = 0; i < 20; i++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write('CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n');
    socket.resetAndDestroy();
  }
  expect((await fetch(listener.url)).status).toBe(200);
});
