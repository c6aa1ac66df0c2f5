// Runs in Bun, one process for one version of a function. Descriptor 4 is the channel to the server: a JSON message a line,
// in both directions (`src/runtime/messages.ts`). What it cannot trust is the code of the function, whose faults must not
// look like ours: its output, errors and late rejections go through here.
import { AsyncLocalStorage } from 'node:async_hooks';
import { readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { format } from 'node:util';

/** The call that runs, in whatever the handler started. */
const calls = new AsyncLocalStorage();
/** A longer text of one line of output is cut: it goes into a log line. */
const MAX_MESSAGE = 16_384;

/** Blocks when the server reads slowly: a function that writes without end waits, and nothing piles up. */
function tell(message) {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(4, bytes, sent);
}

const cut = (text) => (text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text);

function log(level, message) {
  const call = calls.getStore();
  const where = call === undefined ? {} : { call: call.id, ...(call.answered ? { after: true } : {}) };
  tell({ log: { level, message: cut(message), ...where } });
}

const LEVELS = { log: 'info', info: 'info', warn: 'warn', error: 'error', debug: 'debug', trace: 'debug' };
for (const [method, level] of Object.entries(LEVELS)) {
  console[method] = (...values) => log(level, format(...values));
}
for (const [stream, level] of [
  [process.stdout, 'info'],
  [process.stderr, 'warn'],
]) {
  stream.write = (chunk, encoding, done) => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    for (const line of text.split('\n')) if (line !== '') log(level, line);
    const callback = typeof encoding === 'function' ? encoding : done;
    if (typeof callback === 'function') queueMicrotask(callback);
    return true;
  };
}

const describe = (error) => cut(error instanceof Error ? error.stack || `${error}` : format(error));

// Nobody waits for these any more: the process goes on for the calls of others, and the server retires it.
for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error) => {
    log('error', `${event}: ${describe(error)}`);
    tell({ late: event });
  });
}

/** Variables by revision; a call names the one that it must see. */
let environment = { revision: -1, values: Object.freeze({}) };
const waiting = [];
function setEnvironment({ revision, values }) {
  if (revision <= environment.revision) return;
  for (const name of Object.keys(environment.values)) if (!(name in values)) delete process.env[name];
  Object.assign(process.env, values);
  environment = { revision, values: Object.freeze({ ...values }) };
  for (const wake of waiting.splice(0)) wake();
}
async function environmentOf(revision) {
  while (environment.revision < revision) await new Promise((resolve) => waiting.push(resolve));
  return environment.values;
}

/** A call back to the server belongs to the call that makes it: the logs of both have its id, traces hang together. */
const plainFetch = globalThis.fetch;
function tracedFetch(input, init) {
  const call = calls.getStore();
  const { REACTOR_URL: server } = environment.values;
  if (call === undefined || server === undefined) return plainFetch(input, init);
  const url = input instanceof Request ? input.url : String(input);
  if (!url.startsWith(`${server}/`)) return plainFetch(input, init);
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
  for (const [name, value] of call.trace) if (!headers.has(name)) headers.set(name, value);
  return plainFetch(input, { ...init, headers });
}
globalThis.fetch = Object.assign(tracedFetch, plainFetch);

const decoder = new TextDecoder();
let unread = '';

/** The first message is there before this process is: reading it at once spares the set-up of a stream. */
function firstMessage() {
  const chunk = Buffer.alloc(65_536);
  while (!unread.includes('\n')) {
    const size = readSync(4, chunk);
    if (size === 0) process.exit(0);
    unread += decoder.decode(chunk.subarray(0, size), { stream: true });
  }
  const end = unread.indexOf('\n');
  const message = JSON.parse(unread.slice(0, end));
  unread = unread.slice(end + 1);
  return message;
}

async function* messages() {
  for await (const chunk of Bun.file(4).stream()) {
    unread += decoder.decode(chunk, { stream: true });
    const lines = unread.split('\n');
    unread = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}

/** The shapes in which a module may say who answers. */
function handlerOf(module) {
  const { default: main, handler } = module;
  if (typeof main?.fetch === 'function') return main.fetch.bind(main);
  if (typeof main === 'function') return main;
  if (typeof handler === 'function') return handler;
  throw new TypeError(
    'the module exports no handler; accepted are `export default { fetch }`, `export default function` and `export function handler`',
  );
}

function answerWith(handler, { mark, served }) {
  const crashed = (error, signal) => {
    // Nobody waits for the answer: what the handler makes of that is no fault.
    log(signal.aborted ? 'debug' : 'error', describe(error));
    return new Response(null, { status: 500, headers: { 'x-reactor-crashed': mark } });
  };
  return async (request) => {
    const [id, revision] = request.headers.get('x-reactor-call').split(' ');
    const auth = JSON.parse(request.headers.get('x-reactor-auth'));
    const token = request.headers.get('x-reactor-token') ?? undefined;
    request.headers.delete('x-reactor-call');
    request.headers.delete('x-reactor-token');
    const trace = ['x-request-id', 'traceparent', 'tracestate'].flatMap((name) => {
      const value = request.headers.get(name);
      return value === null ? [] : [[name, value]];
    });
    const call = { id, trace, answered: false };
    const env = await environmentOf(Number(revision));
    return calls.run(call, async () => {
      const context = {
        requestId: request.headers.get('x-request-id'),
        signal: request.signal,
        auth,
        token,
        function: served,
        waitUntil(promise) {
          tell({ hold: id });
          Promise.resolve(promise)
            .catch((error) => log('error', `waitUntil: ${describe(error)}`))
            .finally(() => tell({ free: id }));
        },
      };
      try {
        const response = await handler(request, env, context);
        if (!(response instanceof Response))
          throw new TypeError(`the handler answered ${format(response)}, not a Response`);
        return response;
      } catch (error) {
        return crashed(error, request.signal);
      } finally {
        call.answered = true;
      }
    });
  };
}

async function start({ entry, socket, mark, name, version, environment: first }) {
  // What a module imports beside code is looked for there.
  process.chdir(dirname(entry));
  setEnvironment(first);
  let handler;
  try {
    handler = handlerOf(await import(entry));
  } catch (error) {
    tell({ failed: describe(error) });
    process.exit(1);
  }
  const answer = answerWith(handler, { mark, served: Object.freeze({ name, version }) });
  Bun.serve({
    unix: socket,
    // No page with source lines; streams that are quiet for long are not cut: the server has the limits.
    development: false,
    idleTimeout: 0,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    fetch: answer,
    error(error) {
      log('error', describe(error));
      return new Response(null, { status: 500, headers: { 'x-reactor-crashed': mark } });
    },
  });
  tell({ ready: process.pid });
}

const first = firstMessage();
tell({ booted: true });
await start(first.start);
for await (const message of messages()) {
  if (message.ping !== undefined) tell({ pong: message.ping });
  else if (message.environment !== undefined) setEnvironment(message.environment);
}
// The server has closed its end.
process.exit(0);
