import { readFile } from 'node:fs/promises';
import { isAlive } from '@reactor/processes';
import { sample } from '@reactor/testing';
import { expect, test, vi } from 'vitest';
import { createTestFunctions, refusal, type TestFunctions } from './support/functions.js';

const PATIENCE = { timeout: 15_000, interval: 20 };

const call = (functions: TestFunctions, path: string, init?: RequestInit) =>
  functions.as(undefined)(init?.method ?? 'GET', path, init);
const text = async (functions: TestFunctions, path: string, init?: RequestInit) =>
  (await call(functions, path, init)).text();
const metric = (functions: TestFunctions, line: string) => sample(functions.functions.metrics, line);
const endsOf = ({ lines }: TestFunctions) => lines.filter(({ message }) => message.startsWith('process of a function'));

/** Does by its path what a test needs. */
const TOOL = `
  const parts = [];
  export default async (request: Request, env: object, ctx: any) => {
    switch (new URL(request.url).pathname) {
      case '/throw': throw new Error('inner words');
      case '/reject': return Promise.reject('not an error');
      case '/odd': return 42;
      case '/exit': process.exit(7);
      case '/exit-in-peace': process.exit(0);
      case '/hang': await new Promise(() => {});
      case '/loop': for (;;);
      case '/sleep': await Bun.sleep(400); return new Response('slept');
      case '/late': setTimeout(() => { throw new Error('late words') }, 10); return new Response('ok');
      case '/rejected-late': setTimeout(() => Promise.reject(new Error('late words')), 10); return new Response('ok');
      case '/log-late': setTimeout(() => console.log('said later'), 50); return new Response('ok');
      case '/eat': for (;;) { parts.push(new Uint8Array(8_000_000).fill(1)); await Bun.sleep(1); }
      case '/pid': return new Response(String(process.pid));
      case '/wait': ctx.waitUntil(Bun.sleep(700).then(() => console.log('waited'))); return new Response('ok');
      case '/wait-for-ever': ctx.waitUntil(new Promise(() => {})); return new Response('ok');
      case '/count': { let n = 0; for await (const chunk of request.body!) n += chunk.length; return new Response(String(n)); }
      case '/big': return new Response('x'.repeat(3_000_000));
      case '/flow': {
        let left = 30;
        return new Response(new ReadableStream({ pull(c) { left-- > 0 ? c.enqueue(new Uint8Array(100_000)) : c.close(); } }));
      }
      case '/files': { const fs = require('fs'); const open = []; try { for (let i = 0; i < 10_000; i++) open.push(fs.openSync('/dev/null')); return new Response('all'); }
        catch (error) { for (const fd of open) fs.closeSync(fd); return new Response('refused: ' + (error as any).code); } }
      case '/flood': for (let i = 0; i < 200_000; i++) console.log('a line of output that is written again and again', i); return new Response('ok');
      default: return new Response('ok');
    }
  };`;

test('what goes wrong in a handler is answered as what it is, and says nothing of its inside', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL);
  for (const path of ['/throw', '/reject', '/odd']) {
    const answer = await call(functions, `/tool${path}`);
    expect(answer.headers.get('X-Reactor-Function')).toBe('tool');
    const shown = await answer.clone().text();
    expect(await refusal(answer)).toBe('500 function_crashed');
    expect(shown).not.toMatch(/inner words|not an error|shim/);
  }
  expect(functions.lines.map(({ fields }) => String(fields.text))).toContainEqual(
    expect.stringContaining('inner words'),
  );
  expect(await refusal(await call(functions, '/tool/exit'))).toBe('502 runtime_error');
  expect(await text(functions, '/tool')).toBe('ok');
  await vi.waitFor(
    async () => expect(await metric(functions, 'reactor_fn_crashes_total{function="tool"}')).toBe(1),
    PATIENCE,
  );
  const failed = 'reactor_fn_invocations_total{function="tool",runtime="bun",status="failed"}';
  expect(await metric(functions, failed)).toBe(4);
});

test('a call that takes too long is ended alone, and the next one is good', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL, { limits: { timeout_ms: 600 }, concurrency: { max_instances: 1 } });
  const pid = await text(functions, '/tool/pid');
  const [slow, neighbour] = await Promise.all([call(functions, '/tool/hang'), text(functions, '/tool/sleep')]);
  expect([await refusal(slow), neighbour]).toEqual(['504 function_timeout', 'slept']);
  expect(await text(functions, '/tool/pid')).toBe(pid);
  expect(await metric(functions, 'reactor_fn_timeouts_total{function="tool"}')).toBe(1);
});

test('an event loop that does not run any more gets no call, and its process is ended with the call that blocks it', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL, { limits: { timeout_ms: 1_000 }, concurrency: { max_instances: 2 } });
  const pid = Number(await text(functions, '/tool/pid'));
  const loop = call(functions, '/tool/loop');
  for (let i = 0; i < 5; i++) expect(Number(await text(functions, '/tool/pid'))).not.toBe(i === 0 ? 0 : pid);
  expect(await refusal(await loop)).toBe('504 function_timeout');
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), PATIENCE);
  expect(await metric(functions, 'reactor_fn_kills_total{reason="unresponsive"}')).toBe(1);
});

test('a process that takes more memory than it may is killed, and the next call has another one', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL, { limits: { memory_mb: 128 } });
  expect(await refusal(await call(functions, '/tool/eat'))).toBe('502 runtime_error');
  expect(await metric(functions, 'reactor_fn_kills_total{reason="memory"}')).toBe(1);
  await vi.waitFor(() => expect(endsOf(functions)).toHaveLength(1), PATIENCE);
  expect(endsOf(functions)[0]).toMatchObject({
    level: 'warn',
    message: 'process of a function ended',
    fields: { function: 'tool', reason: 'memory', memory_mb: 128 },
  });
  expect(await text(functions, '/tool')).toBe('ok');
});

test('a process that ends by itself is told and counted, with whatever code', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL);
  for (const path of ['/exit', '/exit-in-peace']) {
    expect(await refusal(await call(functions, `/tool${path}`))).toBe('502 runtime_error');
  }
  await vi.waitFor(() => expect(endsOf(functions)).toHaveLength(2), PATIENCE);
  expect(endsOf(functions).map(({ fields }) => fields.how)).toEqual(['exit code 7', 'exit code 0']);
  expect(await metric(functions, 'reactor_fn_crashes_total{function="tool"}')).toBe(2);
});

test('a call that comes right after a process has died has another one', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL, { concurrency: { max_instances: 1 } });
  for (let i = 0; i < 5; i++) {
    expect(await refusal(await call(functions, '/tool/exit'))).toBe('502 runtime_error');
    expect(await text(functions, '/tool')).toBe('ok');
  }
});

test('a process that was told to end is no news', async () => {
  const functions = await createTestFunctions({ config: { idleTtlMs: 100 } });
  await functions.deploy('tool', TOOL);
  const pid = Number(await text(functions, '/tool/pid'));
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), PATIENCE);
  await vi.waitFor(
    async () => expect(await metric(functions, 'reactor_fn_warm_pool_size{function="tool"}')).toBe(0),
    PATIENCE,
  );
  expect(endsOf(functions)).toEqual([]);
});

test.each(['/late', '/rejected-late'])(
  'an error that comes after the answer (%s) hurts no other call',
  async (path) => {
    const functions = await createTestFunctions();
    await functions.deploy('tool', TOOL, { concurrency: { max_instances: 1 } });
    const pid = await text(functions, '/tool/pid');
    const running = text(functions, '/tool/sleep');
    const late = await call(functions, `/tool${path}`, { headers: { 'X-Request-Id': 'the-late-one' } });
    expect(await late.text()).toBe('ok');
    await vi.waitFor(
      () => expect(functions.lines.map(({ fields }) => String(fields.text)).join()).toContain('late words'),
      PATIENCE,
    );
    expect(await running).toBe('slept');
    expect(await text(functions, '/tool/pid')).not.toBe(pid);
  },
);

test('output is attributed to its call, and said to be late when it is', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL);
  await call(functions, '/tool/log-late', { headers: { 'X-Request-Id': 'my-call' } });
  await call(functions, '/tool', { headers: { 'X-Request-Id': 'another' } });
  await vi.waitFor(
    () => expect(functions.lines.find(({ fields }) => fields.text === 'said later')).toBeDefined(),
    PATIENCE,
  );
  expect(functions.lines.find(({ fields }) => fields.text === 'said later')?.fields).toMatchObject({
    function: 'tool',
    version: 1,
    request_id: 'my-call',
    after_response: true,
  });
});

test('waitUntil keeps its process, and not for longer than a call may last', async () => {
  const functions = await createTestFunctions({ config: { idleTtlMs: 100 } });
  await functions.deploy('tool', TOOL, { limits: { timeout_ms: 2_000 }, concurrency: { max_instances: 1 } });
  await text(functions, '/tool/wait');
  await vi.waitFor(() => expect(functions.lines.some(({ fields }) => fields.text === 'waited')).toBe(true), PATIENCE);
  const pid = Number(await text(functions, '/tool/pid'));
  await text(functions, '/tool/wait-for-ever');
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), PATIENCE);
  expect(functions.lines.map(({ fields }) => String(fields.text)).join()).toContain('waitUntil lasted longer');
});

test('a body has its limit in each direction', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL, { limits: { max_body_in_mb: 1, max_body_out_mb: 2 } });
  const post = (size: number) => call(functions, '/tool/count', { method: 'POST', body: new Uint8Array(size) });
  expect(await (await post(1_048_576)).text()).toBe('1048576');
  expect(await refusal(await post(1_048_577))).toBe('413 payload_too_large');
  const streamed = await call(functions, '/tool/count', {
    method: 'POST',
    duplex: 'half',
    body: new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(100_000)) }),
  } as RequestInit);
  expect(await refusal(streamed)).toBe('413 payload_too_large');
  expect(await refusal(await call(functions, '/tool/big'))).toBe('500 response_too_large');
  await expect(text(functions, '/tool/flow')).rejects.toThrow();
  expect(await text(functions, '/tool')).toBe('ok');
});

test('files that it opens and output that it writes have a bound', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL, { limits: { timeout_ms: 60_000 } });
  expect(await text(functions, '/tool/files')).toBe('refused: EMFILE');
  const before = process.memoryUsage().rss;
  const flood = text(functions, '/tool/flood');
  await vi.waitFor(() => expect(functions.lines.length).toBeGreaterThan(20_000), PATIENCE);
  expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
  void flood.catch(() => {});
});

test('calls share the processes that there may be, wait for a turn, and are refused when too many do', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL, { concurrency: { max_instances: 2, max_concurrency: 4 } });
  const answers = await Promise.all(Array.from({ length: 12 }, () => call(functions, '/tool/sleep')));
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([200, 200, 200, 200, 200, 200, 200, 200, 429, 429, 429, 429]);
  expect(answers.find(({ status }) => status === 429)?.headers.get('Retry-After')).toBe('1');
  expect(await metric(functions, 'reactor_fn_warm_pool_size{function="tool"}')).toBe(2);
});

test('a function whose process ends with each call is refused for a while', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL);
  const refusals = new Set<string>();
  for (let i = 0; i < 10; i++) refusals.add(await refusal(await call(functions, '/tool/exit')));
  expect([...refusals]).toEqual(['502 runtime_error', '503 cold_start_failed']);
  await vi.waitFor(async () => expect(await text(functions, '/tool')).toBe('ok'), PATIENCE);
});

test('idle processes end, and make room for those of other functions', async () => {
  const functions = await createTestFunctions({ config: { maxProcesses: 2, idleTtlMs: 60_000 } });
  for (const name of ['one', 'two', 'three']) await functions.deploy(name, TOOL);
  const pids: number[] = [];
  for (const name of ['one', 'two', 'three']) pids.push(Number(await text(functions, `/${name}/pid`)));
  await vi.waitFor(() => expect(isAlive(pids[0] as number)).toBe(false), PATIENCE);
  expect(isAlive(pids[2] as number)).toBe(true);
});

test('a client that leaves is seen by the handler, and its slot is free', async () => {
  const functions = await createTestFunctions();
  await functions.deploy(
    'stream',
    `let seen = { aborted: 0, cancelled: 0 };
     export default (request: Request) => {
       if (new URL(request.url).pathname === '/seen') return Response.json(seen);
       request.signal.addEventListener('abort', () => seen.aborted++);
       return new Response(new ReadableStream({ start(c) { c.enqueue('data: 1\\n\\n') }, cancel() { seen.cancelled++ } }));
     }`,
  );
  for (let i = 1; i <= 5; i++) {
    const leaving = new AbortController();
    const answer = await call(functions, '/stream', { signal: leaving.signal });
    await answer.body?.getReader().read();
    leaving.abort();
    await vi.waitFor(
      async () => expect(await (await call(functions, '/stream/seen')).json()).toEqual({ aborted: i, cancelled: i }),
      PATIENCE,
    );
  }
  const aborted = 'reactor_fn_invocations_total{function="stream",runtime="bun",status="aborted"}';
  await vi.waitFor(async () => expect(await metric(functions, aborted)).toBe(5), PATIENCE);
});

test('a thousand calls leave as few processes and as little memory as ten', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('tool', TOOL, { concurrency: { max_instances: 2 } });
  const pid = await text(functions, '/tool/pid');
  for (let i = 0; i < 100; i++) await Promise.all(Array.from({ length: 10 }, () => text(functions, '/tool')));
  expect(await metric(functions, 'reactor_fn_warm_pool_size{function="tool"}')).toBeLessThanOrEqual(2);
  const [, pages] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
  expect(Number(pages) * 4_096).toBeLessThan(150_000_000);
});

test('a module that fails when it is started later is an error that says when to come back, and doctor names it', async () => {
  const functions = await createTestFunctions();
  // Imported once as it is deployed, and from then on not any more.
  await functions.deploy(
    'fragile',
    `if (Date.now() > Number(process.env.UNTIL ?? 1e15)) throw new Error('too late'); export default () => new Response('ok')`,
  );
  await functions.as('admin')('PUT', '/_admin/functions/fragile/env/UNTIL', {
    body: JSON.stringify({ value: '1' }),
    headers: { 'Content-Type': 'application/json' },
  });
  const answer = await call(functions, '/fragile');
  expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThanOrEqual(1);
  expect(await refusal(answer)).toBe('503 cold_start_failed');
  const probe = functions.functions.probes.find(({ name }) => name === 'function_fragile');
  expect(await probe?.run(AbortSignal.timeout(1_000))).toMatchObject({
    status: 'fail',
    message: expect.stringContaining('too late'),
  });
});
