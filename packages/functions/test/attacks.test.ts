import { chmod } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { isAlive } from '@reactor/processes';
import { sample, temporaryDirectory, whenOver } from '@reactor/testing';
import { expect, test, vi } from 'vitest';
import { createTestFunctions, refusal, type TestFunctions } from './support/functions.js';

const PATIENCE = { timeout: 15_000, interval: 20 };
const IS_ROOT = process.getuid?.() === 0;

const call = (functions: TestFunctions, path: string, init?: RequestInit) =>
  functions.as(undefined)(init?.method ?? 'GET', path, init);
const text = async (functions: TestFunctions, path: string) => (await call(functions, path)).text();

/** Sends a path as it is, which `fetch` would tidy up. */
async function raw(functions: TestFunctions, method: string, path: string, token?: string) {
  const { port, pathname } = new URL(functions.url);
  return new Promise<{ status: number; body: string; headers: Record<string, unknown> }>((resolve, reject) => {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const outgoing = request({ host: '127.0.0.1', port, method, path: pathname + path, headers }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body, headers: answer.headers }));
      answer.on('error', reject);
    });
    outgoing.on('error', reject).end();
  });
}

test('no spelling of a name reaches another function, or what is the operator’s', async () => {
  const functions = await createTestFunctions();
  const code = (name: string) => `export default (request) => new Response('${name} ' + new URL(request.url).pathname)`;
  await functions.deploy('open', code('open'));
  await functions.deploy('closed', code('closed'), { access: 'operator' });
  await functions.deploy('admin', code('admin'));
  const spellings = [
    '/CLOSED',
    '/Closed',
    '/closed%00',
    '/closed%20',
    '/closed%2F',
    '/closed%2Fx',
    '/%2Fclosed',
    '//closed',
    '/./closed',
    '/open/../closed',
    '/open/%2e%2e/closed',
    '/open/..%2fclosed',
    '/open%2f..%2fclosed',
    '/open\\..\\closed',
    '/open;/../closed',
    '/clo%73ed',
    '/%63losed',
    '/cl\u00f6sed'.normalize('NFD').replace(/[^ -~]/g, (c) => encodeURIComponent(c)),
    `/${encodeURIComponent('ｃｌｏｓｅｄ')}`,
    '/closed?',
    '/closed%3F',
    '/closed#',
    '/closed%zz',
    '/%',
    '/%c0%ae%c0%ae/closed',
  ];
  const seen: string[] = [];
  for (const path of spellings) {
    for (const token of [undefined, 'alice']) {
      const { status, body } = await raw(functions, 'GET', path, token).catch(() => ({ status: 400, body: '' }));
      if (body.startsWith('closed') || status >= 500) seen.push(`${path} ${token} ${status} ${body}`);
    }
  }
  expect(seen).toEqual([]);
  expect((await raw(functions, 'GET', '/closed', 'admin')).body).toBe('closed /');
  expect((await raw(functions, 'GET', '/open/..%2f..%2fetc')).body).toBe('open /..%2f..%2fetc');

  const operators = ['', '/functions', '/functions/open', '/functions/open/deployments', '/functions/open/env'];
  const prefixes = [
    '/_admin',
    '/%5Fadmin',
    '/_Admin',
    '/_ADMIN',
    '/_admin%2F',
    '//_admin',
    '/./_admin',
    '/open/../_admin',
    '/open/%2e%2e/_admin',
    '/_admin/.',
    '/_admin;x',
    '/_admin%00',
    '/%255Fadmin',
    `/${encodeURIComponent('＿admin')}`,
  ];
  const reached: string[] = [];
  for (const prefix of prefixes) {
    for (const rest of operators) {
      for (const [method, token] of [
        ['GET', undefined],
        ['GET', 'alice'],
        ['POST', 'alice'],
        ['PUT', 'alice'],
        ['DELETE', 'alice'],
      ] as const) {
        const answer = await raw(functions, method, prefix + rest, token).catch(() => ({ status: 400 }));
        if (![400, 401, 403, 404].includes(answer.status)) reached.push(`${method} ${prefix}${rest} ${answer.status}`);
      }
    }
  }
  // An ordinary path below a public function, in whose place nothing else is.
  expect(reached).toEqual([]);
  expect((await functions.as('admin')('GET', '/_admin/functions/open')).status).toBe(200);
});

/** Answers by its path what no honest handler would. */
const ODD = `
export default async (request: Request) => {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case '/breaks': return new Response('x', { headers: { 'X-One': 'a\\r\\nSet-Cookie: stolen=1' } });
    case '/name': return new Response('x', { headers: { 'X One\\r\\nX-Two': 'a' } });
    case '/huge': return new Response('x', { headers: { 'X-Huge': 'h'.repeat(100_000) } });
    case '/large': return new Response('x', { headers: { 'X-Large': 'h'.repeat(12_000) } });
    case '/many': { const headers = new Headers(); for (let i = 0; i < 5_000; i++) headers.append('X-' + i, 'v'); return new Response('x', { headers }); }
    case '/crashed': return new Response('x', { headers: { 'X-Reactor-Crashed': 'yes' } });
    case '/ours': return new Response('x', { headers: { 'X-Reactor-Anything': '1', 'X-Request-Id': 'forged', 'X-Content-Type-Options': 'no', Connection: 'X-Gone', 'X-Gone': '1', 'Keep-Alive': 'timeout=1', Upgrade: 'h2c' } });
    case '/status': return new Response('x', { status: 299 });
    case '/informational': return new Response(null, { status: 101 });
    case '/length': return new Response('short', { headers: { 'Content-Length': '1000' } });
    case '/gigabytes': return new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1_000_000)); } }));
    case '/fails': return new Response(new ReadableStream({ start(c) { c.enqueue('part'); }, pull() { throw new Error('in the middle'); } }));
    default: return new Response('ok');
  }
};`;

test('headers, statuses and bodies that no handler should answer hurt nobody but its caller', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('odd', ODD, { limits: { max_body_out_mb: 20 } });
  for (const path of ['/breaks', '/name']) {
    const answer = await call(functions, `/odd${path}`);
    expect(answer.headers.getSetCookie()).toEqual([]);
    expect([path, await refusal(answer)]).toEqual([path, '500 function_crashed']);
  }
  expect(await refusal(await call(functions, '/odd/huge'))).toBe('502 runtime_error');
  expect((await call(functions, '/odd/large')).headers.get('X-Large')).toHaveLength(12_000);
  expect((await call(functions, '/odd/crashed')).status).toBe(200);
  expect(Object.keys((await raw(functions, 'GET', '/odd/ours')).headers)).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^(x-reactor-anything|x-gone|upgrade)$/)]),
  );
  expect((await raw(functions, 'GET', '/odd/ours')).headers).toMatchObject({ 'x-content-type-options': 'nosniff' });
  expect((await call(functions, '/odd/status')).status).toBe(299);
  expect((await call(functions, '/odd/informational')).status).toBeGreaterThanOrEqual(500);
  await expect(text(functions, '/odd/gigabytes')).rejects.toThrow();
  // Bun has not sent the head yet when it fails at once.
  expect(await refusal(await call(functions, '/odd/fails'))).toBe('502 runtime_error');
  expect(await text(functions, '/odd')).toBe('ok');
});

/** Takes the place of the shim's server, and answers bytes. By the first path that it is asked for. */
const RAW = (answers: Readonly<Record<string, string>>) => `
const answers = ${JSON.stringify(answers)};
Bun.serve = ({ unix }: any) => Bun.listen({
  unix,
  socket: {
    data(socket, bytes) {
      const path = bytes.toString().split(' ')[1];
      if (path === '/silent') return;
      if (path === '/close') return socket.end();
      if (path === '/flood') {
        socket.write('HTTP/1.1 200 OK\\r\\n');
        const flood = () => { while (socket.write('X-More: ' + 'y'.repeat(1000) + '\\r\\n') > 0); };
        socket.data = flood; return flood();
      }
      socket.write(Buffer.from(answers[path] ?? 'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok', 'latin1'));
    },
    drain(socket) { (socket.data as any)?.(); },
  },
});
export default () => new Response('never');`;

test('a process that speaks no HTTP, or too much of it, ends its own calls only', async () => {
  const functions = await createTestFunctions();
  const answers = {
    '/garbage': 'this is no HTTP\r\n\r\n',
    '/chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\nnot a chunk\r\n',
    '/two-lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc',
    '/smuggled': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '/upgrade': 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    '/status-0': 'HTTP/1.1 000 Nothing\r\nContent-Length: 2\r\n\r\nok',
    '/status-999': 'HTTP/1.1 999 Much\r\nContent-Length: 2\r\n\r\nok',
    '/bare': 'HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok',
    '/nul': 'HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 2\r\n\r\nok',
    '/name': 'HTTP/1.1 200 OK\r\nBad Name: x\r\nContent-Length: 2\r\n\r\nok',
    '/hints': `${'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n'.repeat(50)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`,
    '/trailers':
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n2\r\nok\r\n0\r\nX-Late: 1\r\nSet-Cookie: a=b\r\n\r\n',
    '/latin': 'HTTP/1.1 200 OK\r\nX-Name: caf\u00e9\r\nContent-Length: 2\r\n\r\nok',
    '/twice': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged',
    '/split': 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort',
  };
  await functions.deploy('raw', RAW(answers), { limits: { timeout_ms: 1_500 }, concurrency: { max_instances: 1 } });
  const seen: Record<string, string> = {};
  for (const path of [...Object.keys(answers), '/close', '/silent', '/flood', '/ok', '/ok']) {
    const signal = AbortSignal.timeout(8_000);
    const answer = await call(functions, `/raw${path}`, { signal }).catch((error) =>
      Response.json({ error: { code: String(error) } }, { status: 599 }),
    );
    const body = await answer.text().catch(() => 'cut');
    expect(answer.headers.getSetCookie(), path).toEqual([]);
    seen[path] = `${answer.status} ${answer.status < 400 ? body : JSON.parse(body).error.code}`;
  }
  expect(seen).toEqual({
    '/garbage': '502 runtime_error',
    '/chunks': '200 cut',
    '/two-lengths': '502 runtime_error',
    '/smuggled': '502 runtime_error',
    '/upgrade': '502 runtime_error',
    '/status-0': '502 runtime_error',
    '/status-999': '502 runtime_error',
    '/bare': '502 runtime_error',
    '/nul': '502 runtime_error',
    '/name': '502 runtime_error',
    '/hints': '200 ok',
    '/trailers': '200 ok',
    '/latin': '200 ok',
    '/twice': '200 ok',
    '/split': '504 function_timeout',
    '/close': '502 runtime_error',
    '/silent': '504 function_timeout',
    '/flood': '502 runtime_error',
    '/ok': '200 ok',
  });
}, 60_000);

/** Writes to the channel what it is asked to. */
const FORGER = `
import { closeSync, writeSync } from 'node:fs';
const say = (text: string) => { const bytes = Buffer.from(text); for (let n = 0; n < bytes.length; ) n += writeSync(4, bytes, n); };
export default async (request: Request, env: object, ctx: any) => {
  const { pathname } = new URL(request.url);
  if (pathname === '/pid') return new Response(String(process.pid));
  if (pathname === '/say') { say(await request.text()); return new Response('said'); }
  if (pathname === '/huge') { say('{"log":{"level":"info","message":"' + 'x'.repeat(1_300_000)); return new Response('said'); }
  if (pathname === '/holds') { say('{"hold":"a"}\\n'.repeat(20_000)); return new Response('said'); }
  if (pathname === '/close') { closeSync(4); return new Response('closed'); }
  if (pathname === '/eat') { const parts = []; for (;;) { parts.push(new Uint8Array(8_000_000).fill(1)); await Bun.sleep(1); } }
  if (pathname === '/worker') {
    // Says that all is well while the event loop is blocked.
    new Worker(URL.createObjectURL(new Blob(["const fs = require('fs'); let n = 0; setInterval(() => { for (let i = 0; i < 50; i++) fs.writeSync(4, JSON.stringify({ pong: n++ }) + '\\\\n') }, 5)"])));
    await Bun.sleep(200);
    for (;;);
  }
  return new Response('ok');
};`;

test('what a function writes to its channel hurts only its own process', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('honest', 'export default () => new Response(String(process.pid))');
  await functions.deploy('forger', FORGER, { concurrency: { max_instances: 1 }, limits: { timeout_ms: 10_000 } });
  const honest = await text(functions, '/honest');
  const say = (line: unknown) =>
    call(functions, '/forger/say', {
      method: 'POST',
      body: typeof line === 'string' ? line : `${JSON.stringify(line)}\n`,
    });
  const pid = () => text(functions, '/forger/pid');

  const harmless = [
    { free: 'not-there' },
    { pong: 99_999 },
    { unknown: true },
    { failed: 'too late' },
    { log: { level: 'none', message: { a: 1 }, call: 7, after: 'yes' } },
    { ready: 1 },
    { ready: process.pid },
  ];
  const before = await pid();
  for (const message of harmless) expect(await (await say(message)).text()).toBe('said');
  expect([JSON.stringify(harmless), await pid()]).toEqual([JSON.stringify(harmless), before]);

  const ending = [
    'no json\n',
    'null\n',
    '7\n',
    '{"log":null}\n',
    '[]\n{}\nx\n',
    '\n',
    '{"log":{"message":{"toString":1}}}\n',
  ];
  for (const line of ending) {
    const victim = Number(await pid());
    await say(line);
    await vi.waitFor(() => expect([line, isAlive(victim)]).toEqual([line, false]), PATIENCE);
    expect(await text(functions, '/forger')).toBe('ok');
  }
  for (const path of ['/huge', '/holds']) {
    const victim = Number(await pid());
    await call(functions, `/forger${path}`);
    await vi.waitFor(() => expect([path, isAlive(victim)]).toEqual([path, false]), PATIENCE);
    expect(await text(functions, '/forger')).toBe('ok');
  }
  const late = Number(await pid());
  await say({ late: 'forged' });
  await vi.waitFor(() => expect(isAlive(late)).toBe(false), PATIENCE);
  expect(await text(functions, '/forger')).toBe('ok');
  expect(await (await call(functions, '/forger/close')).text()).toBe('closed');
  expect(await refusal(await call(functions, '/forger/worker'))).toBe('504 function_timeout');

  expect(await text(functions, '/honest')).toBe(honest);
  expect(await sample(functions.functions.metrics, 'reactor_fn_kills_total{reason="protocol"}')).toBeGreaterThanOrEqual(
    ending.length + 2,
  );
}, 60_000);

test('it cannot say which process is measured, nor make the server read another file', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('forger', FORGER, { limits: { memory_mb: 128 }, concurrency: { max_instances: 1 } });
  const say = (line: object) => call(functions, '/forger/say', { method: 'POST', body: `${JSON.stringify(line)}\n` });
  for (const ready of [1, '1', '../../tmp', -1, { a: 1 }, 2 ** 53]) await say({ ready });
  expect(await refusal(await call(functions, '/forger/eat'))).toBe('502 runtime_error');
  expect(await sample(functions.functions.metrics, 'reactor_fn_kills_total{reason="memory"}')).toBe(1);
});

test('a module that says that it is ready too early is not ready', async () => {
  const functions = await createTestFunctions();
  await functions.deploy(
    'early',
    `import { writeSync } from 'node:fs';
     try { writeSync(4, JSON.stringify({ ready: process.pid }) + '\\n'); } catch {}
     await Bun.sleep(300);
     export default () => new Response('ok');`,
  );
  const first = await call(functions, '/early');
  expect(await refusal(first)).toBe('503 cold_start_failed');
  expect(first.headers.get('Retry-After')).toBe('1');
});

test('a link in the place of its socket leads the server nowhere', async () => {
  const functions = await createTestFunctions();
  const folder = await temporaryDirectory();
  const target = join(folder, 's');
  const reached: string[] = [];
  const private_ = createServer((incoming, answer) => {
    reached.push(incoming.url ?? '');
    answer.end('private');
  });
  await new Promise<void>((resolve) => private_.listen(target, resolve));
  whenOver(() => void private_.close());
  if (IS_ROOT) await chmod(target, 0o600);
  await functions.deploy(
    'linked',
    `import { linkSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
     let own = '';
     const replace = (path: string) => {
       const done: string[] = [];
       try { rmSync(path, { force: true }); done.push('removed'); } catch {}
       try { symlinkSync('${target}', path); done.push('linked'); } catch {}
       try { renameSync(path.slice(0, path.lastIndexOf('/')), path + '-moved'); done.push('moved'); } catch {}
       return done;
     };
     const serve = Bun.serve;
     Bun.serve = (options: any) => {
       own = options.unix;
       const server = serve(options);
       if (process.env.EARLY === '1') replace(own);
       return server;
     };
     export default () => Response.json({ done: replace(own) });`,
    { concurrency: { max_instances: 1 } },
  );
  const late = await call(functions, '/linked');
  // As root, the folder is not the function's any more once it serves.
  if (IS_ROOT) expect(await late.json()).toEqual({ done: [] });
  for (let i = 0; i < 3; i++) await call(functions, '/linked', { headers: { Connection: 'close' } });
  await functions.deploy(
    'linked-early',
    `
     import { rmSync, symlinkSync } from 'node:fs';
     const serve = Bun.serve;
     Bun.serve = (options: any) => {
       const server = serve(options);
       rmSync(options.unix, { force: true });
       symlinkSync('${target}', options.unix);
       return server;
     };
     export default () => new Response('ok');`,
  );
  const early = await call(functions, '/linked-early');
  expect([503, 502]).toContain(early.status);
  expect(await early.text()).not.toContain('private');
  expect(reached).toEqual([]);
});

test('what a function has started ends with it', async () => {
  const functions = await createTestFunctions();
  await functions.deploy(
    'forks',
    `export default async (request: Request) => {
       const { pathname } = new URL(request.url);
       if (pathname === '/exit') process.exit(3);
       const pids = [];
       for (let i = 0; i < 20; i++) pids.push(Bun.spawn(['/bin/sh', '-c', 'sleep 1000 & sleep 1000'], { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' }).pid);
       return Response.json(pids);
     }`,
    { concurrency: { max_instances: 1 } },
  );
  const pids = (await (await call(functions, '/forks')).json()) as number[];
  expect(pids.every(isAlive)).toBe(true);
  expect(await refusal(await call(functions, '/forks/exit'))).toBe('502 runtime_error');
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), PATIENCE);
});

test('what has left its group and its session counts, and ends with it too', async () => {
  const functions = await createTestFunctions();
  await functions.deploy(
    'leaves',
    `import { spawn } from 'node:child_process';
     export default () => {
       const pids = [];
       // Each the leader of a session of its own.
       for (let i = 0; i < 100; i++) pids.push(spawn('/bin/sleep', ['1000'], { detached: true, stdio: 'ignore' }).pid);
       return Response.json(pids);
     }`,
  );
  const pids = (await (await call(functions, '/leaves')).json()) as number[];
  expect(pids.every(isAlive)).toBe(true);
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), PATIENCE);
  expect(await sample(functions.functions.metrics, 'reactor_fn_kills_total{reason="processes"}')).toBe(1);
});

test('what it has started counts: too many processes end it, and their memory is its own', async () => {
  const functions = await createTestFunctions();
  await functions.deploy(
    'starts',
    `const quiet = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' } as const;
     const EATER = 'const kept = new Uint8Array(30_000_000).fill(1); setInterval(() => kept, 1000)';
     export default async (request: Request) => {
       const { pathname } = new URL(request.url);
       if (pathname === '/many') for (let i = 0; i < 100; i++) Bun.spawn(['/bin/sleep', '1000'], quiet);
       if (pathname === '/eater') for (let i = 0; i < 8; i++) Bun.spawn([process.execPath, '-e', EATER], quiet);
       return new Response(String(process.pid));
     };`,
    { limits: { memory_mb: 200 }, concurrency: { max_instances: 1 } },
  );
  const kills = (reason: string) => sample(functions.functions.metrics, `reactor_fn_kills_total{reason="${reason}"}`);
  for (const [path, reason] of [
    ['/many', 'processes'],
    ['/eater', 'memory'],
  ] as const) {
    const pid = Number(await text(functions, `/starts${path}`));
    await vi.waitFor(() => expect([path, isAlive(pid)]).toEqual([path, false]), PATIENCE);
    expect(await kills(reason)).toBe(1);
    expect(await (await call(functions, '/starts')).text()).toMatch(/^\d+$/);
  }
});
