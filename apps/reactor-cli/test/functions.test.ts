import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { temporaryDirectory } from '@reactor/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { answering, run, start, testServer } from './fixtures.js';
import { functionsServer } from './functions-server.js';

/** Never in any output. */
const HUSH = 'hush-hush-0123456789';

/** A folder with functions, each with an `index.ts`. */
async function folders(...names: string[]): Promise<string> {
  const directory = await temporaryDirectory();
  for (const name of names) await run(['functions', 'new', name], { directory });
  return directory;
}

/** A server with the function `hello` at version 1. */
async function deployed() {
  const server = await functionsServer();
  const directory = await folders('hello');
  const human = { env: server.env, directory, terminal: true };
  const deploy = (...flags: string[]) => run(['functions', 'deploy', 'hello', ...flags], human);
  const change = (text: string) => writeFile(join(directory, 'hello', 'index.ts'), text);
  expect((await deploy()).code).toBe(0);
  const fn = (...argv: string[]) => run(['functions', ...argv], human);
  const hello = () => {
    const found = server.known.get('hello');
    if (found === undefined) throw new Error('hello is gone');
    return found;
  };
  return { ...server, directory, human, deploy, change, fn, hello };
}

/** A keyboard. */
function terminal() {
  return Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
}

describe('functions new', () => {
  test('writes a handler that says what to do next, and nothing that is the default', async () => {
    const directory = await temporaryDirectory();
    const { code, stdout } = await run(['functions', 'new', 'apps/hello'], { directory, terminal: true });
    const folder = join(directory, 'apps', 'hello');
    expect(code).toBe(0);
    expect(stdout).toBe(
      `wrote ${folder}/index.ts\nwrote ${folder}/.gitignore\n\nnext:\n` +
        "  reactor functions deploy apps/hello\n  reactor functions invoke hello '/?name=Ada'\n  reactor functions dev apps/hello\n",
    );
    expect(await readFile(join(folder, 'index.ts'), 'utf8')).toContain('async fetch(request: Request');
    const open = await run(['functions', 'new', 'open', '--access', 'public', '--json'], { directory });
    expect(JSON.parse(open.stdout)).toMatchObject({ name: 'open', files: ['index.ts', 'function.json', '.gitignore'] });
    expect(JSON.parse(await readFile(join(directory, 'open', 'function.json'), 'utf8'))).toEqual({ access: 'public' });
  });

  test('keeps away from a folder that has something in it, and from bad names', async () => {
    const directory = await folders('hello');
    await writeFile(join(directory, 'file'), '');
    for (const [argv, message] of [
      [['hello'], 'is not empty'],
      [['file'], 'is a file'],
      [['Hello'], '"Hello" cannot be the name of a function'],
      [['ok-name', '--access', 'all'], 'Accepted: public, users, operator'],
    ] as const) {
      const { code, stderr } = await run(['functions', 'new', ...argv], { directory, terminal: true });
      expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    }
    expect((await readdir(directory)).sort()).toEqual(['file', 'hello']);
  });
});

describe('functions deploy', () => {
  test('makes the function, sends the folder, promotes it, and says how to call it', async () => {
    const { env, url, known } = await functionsServer();
    const directory = await folders('hello');
    await writeFile(join(directory, 'hello', '.env'), HUSH);
    const { code, stdout, stderr } = await run(['functions', 'deploy', './hello'], { env, directory, terminal: true });
    expect([code, stdout]).toEqual([
      0,
      `hello: version 1 answers\n  call it: reactor functions invoke hello\n  or at:   ${url}/fn/v1/hello\n`,
    ]);
    // A line that is written over, and taken away.
    expect(stderr.split('\r\u001b[K')).toEqual([
      '',
      expect.stringMatching(/^sending hello: \d+ B$/),
      expect.stringMatching(/^sent \d+ B of hello, which the server builds and checks now$/),
      'left out: .env\n',
    ]);
    const [deployment] = known.get('hello')?.deployments ?? [];
    expect([...(deployment?.files.keys() ?? [])]).toEqual(['.gitignore', 'index.ts']);
    expect(known.get('hello')?.current).toBe(deployment);
  });

  test('the same folder again is the same version, and --no-promote leaves the one that answers', async () => {
    const { deploy, change, hello, human } = await deployed();
    expect((await deploy()).stdout).toMatch(/^hello: version 1 answers: the server had this bundle already\n/);
    await change('export default () => new Response("2")');
    expect((await deploy('--no-promote')).stdout).toBe(
      'hello: version 2 is ready\n  answer with it: reactor functions promote hello 2\n',
    );
    expect(hello().current?.version).toBe(1);
    const { stdout } = await run(['functions', 'deploy', 'hello', '-o', 'json'], human);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      data: {
        function: 'hello',
        created: false,
        promoted: true,
        previous_deployment_id: hello().deployments[0]?.id,
        deployment: { version: 2 },
        left_out: [],
      },
    });
  });

  test('shows what is wrong with the code by file, line and column', async () => {
    const { deploy, change, hello, env, directory } = await deployed();
    await change('a broken line');
    expect(await deploy()).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/index\.ts:1:3 Unexpected broken\nerror: The bundle cannot be built\.\n$/),
    });
    const { stderr } = await run(['functions', 'deploy', 'hello', '--json'], { env, directory });
    expect(JSON.parse(stderr)).toMatchObject({
      ok: false,
      error: {
        code: 'CLIENT_ERROR',
        details: [{ file: 'index.ts', line: 1, column: 3, message: 'Unexpected broken' }],
      },
    });
    expect(hello().current?.version).toBe(1);
  });

  test.each([
    [['none'], 2, 'none does not exist'],
    [['.'], 1, 'Say another one with --name.'],
    [['hello', '--name', '../x'], 1, '"../x" cannot be the name of a function'],
    [['hello', '--name', 'health'], 1, 'This name is reserved.'],
    [[], 1, 'missing required argument'],
  ])('%j is refused before anything is sent', async (argv, exit, message) => {
    const { env, known } = await functionsServer();
    const directory = await folders('hello');
    const { code, stderr } = await run(['functions', 'deploy', ...argv], { env, directory: directory, terminal: true });
    expect([code, stderr]).toEqual([exit, expect.stringContaining(message)]);
    expect(known.size).toBe(0);
  });

  test('a name that archives do not take is named, though it is found on the way', async () => {
    const { deploy, directory } = await deployed();
    await writeFile(join(directory, 'hello', 'a\\b'), '');
    expect(await deploy()).toMatchObject({ code: 1, stderr: expect.stringContaining('has a backslash') });
  });

  test('an answer that comes before all is sent is the one that is shown', async () => {
    const refusing = createServer((request, response) => {
      if (request.method === 'GET') return void response.end('{"id":"f"}');
      response.writeHead(413, { 'Content-Type': 'application/json', Connection: 'close' });
      response.end('{"error":{"code":"bundle_too_large","message":"The bundle is larger than 1 MB."}}');
    });
    onTestFinished(() => void refusing.close());
    await once(refusing.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(refusing.address() as AddressInfo).port}`;
    const directory = await folders('hello');
    await writeFile(join(directory, 'hello', 'noise'), randomBytes(3_000_000));
    const { code, stderr } = await run(['functions', 'deploy', 'hello', '--url', url], { directory });
    expect([code, JSON.parse(stderr).error.message]).toEqual([1, 'The bundle is larger than 1 MB.']);
  });

  test('Ctrl-C does not look like success', async () => {
    const url = await answering((request) =>
      request.method === 'GET' ? Response.json({ id: 'f' }) : new Promise<Response>(() => {}),
    );
    const directory = await folders('hello');
    const stopping = new AbortController();
    const running = start(['functions', 'deploy', 'hello', '--url', url, '-v'], { directory, signal: stopping.signal });
    await expect.poll(running.stderr).toContain('/deployments');
    stopping.abort();
    expect(await running.exit).toBe(1);
    expect(running.stderr()).toContain('INTERRUPTED');
  });
});

describe('functions list, show and delete', () => {
  test('list shows each with its version', async () => {
    const { env, known } = await functionsServer();
    const human = { env, terminal: true };
    expect((await run(['functions', 'list'], human)).stdout).toContain('no functions');
    const directory = await folders('hello', 'other-one');
    await run(['functions', 'deploy', 'hello'], { env, directory });
    await run(['functions', 'deploy', 'other-one', '--no-promote'], { env, directory });
    const rows = (await run(['functions', 'list'], human)).stdout.split('\n');
    expect(rows[0]).toMatch(/^hello {6}version 1 {9}2026-01-31 \d\d:\d\d:00$/);
    expect(rows[1]).toMatch(/^other-one {2}nothing promoted {2}2026-01-31/);
    const json = JSON.parse((await run(['functions', 'list', '--json'], { env })).stdout);
    expect(json.functions.map(({ name }: { name: string }) => name)).toEqual([...known.keys()]);
  });

  test('show has settings, versions and variables, and no secret', async () => {
    const { fn, change, deploy, hello, url, env } = await deployed();
    await change('broken');
    await deploy();
    await fn('secrets', 'set', 'hello', `API_KEY=${HUSH}`);
    await fn('env', 'set', 'hello', 'GREETING=Moin');
    const { stdout } = await fn('show', 'hello');
    expect(stdout).toContain(`  url                          ${url}/fn/v1/hello\n`);
    expect(stdout).toMatch(/\n {2}limits\.timeout_ms +30000\n/);
    expect(stdout).toMatch(/\n✖ {2}2 {2}failed .* Unexpected broken\n✔ {2}1 {2}current .*\n/);
    expect(stdout).toMatch(/\n {2}API_KEY {3}\(secret\) {2}\d{4}-.*\n {2}GREETING {2}Moin {6}\d{4}-.*\n$/);
    const json = (await run(['functions', 'show', 'hello', '--json'], { env })).stdout;
    expect(JSON.parse(json)).toMatchObject({
      function: { name: 'hello', current_deployment_id: hello().current?.id },
      deployments: [{ version: 2 }, { version: 1 }],
      variables: [
        { key: 'API_KEY', is_secret: true },
        { key: 'GREETING', value: 'Moin' },
      ],
    });
    expect(stdout + json).not.toContain(HUSH);
  });

  test('show and others say which functions there are to look at', async () => {
    const { fn } = await deployed();
    for (const argv of [
      ['show', 'none'],
      ['delete', 'none'],
      ['promote', 'none'],
      ['rollback', 'none'],
      ['env', 'list', 'none'],
      ['secrets', 'set', 'none', 'A=1'],
    ]) {
      expect(await fn(...argv)).toEqual({
        code: 1,
        stdout: '',
        stderr: 'error: There is no such function.\n  → "reactor functions list" shows those there are.\n',
      });
      const [first = '', ...rest] = argv;
      const badly = [first, ...rest].map((word) => (word === 'none' ? '../../x' : word));
      expect(await fn(...badly)).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be the name') });
    }
  });

  test('a server without functions is told apart from one without this function', async () => {
    const { env } = await testServer();
    const { code, stderr } = await run(['functions', 'list'], { env, terminal: true });
    expect([code, stderr]).toEqual([1, expect.stringContaining('[functions] is not mounted')]);
    const other = await answering(() => Response.json({ hello: 1 }));
    expect(await run(['functions', 'list', '--url', other])).toMatchObject({ code: 5 });
  });

  test('delete asks on a terminal', async () => {
    const { human, known } = await deployed();
    const deleting = (typed: string) => {
      const stdin = terminal();
      stdin.write(typed);
      return run(['functions', 'delete', 'hello'], { ...human, stdin });
    };
    expect(await deleting('n\r')).toMatchObject({ code: 1, stdout: 'hello stays\n' });
    expect(await deleting('\r')).toMatchObject({ code: 1, stdout: 'hello stays\n' });
    expect(await deleting('\u0003')).toMatchObject({ code: 1, stderr: expect.stringContaining('stopped before') });
    expect(known.has('hello')).toBe(true);
    const yes = await deleting('y\r');
    expect([yes.code, yes.stdout]).toEqual([0, 'hello deleted\n']);
    expect(yes.stderr).toContain('Delete hello with all its versions and variables? [y/N] ');
    expect(known.has('hello')).toBe(false);
  });

  test('delete needs --yes where nobody can be asked', async () => {
    const { env, known } = await deployed();
    expect(await run(['functions', 'delete', 'hello'], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('reactor functions delete hello --yes'),
    });
    expect(known.has('hello')).toBe(true);
    const { stdout } = await run(['functions', 'delete', 'hello', '--yes', '--json'], { env });
    expect(JSON.parse(stdout)).toEqual({ deleted: 'hello' });
    expect(known.has('hello')).toBe(false);
  });
});

test('functions promote and rollback go by version, by id, or by themselves', async () => {
  const { fn, change, deploy, hello } = await deployed();
  for (const text of ['2', '3']) {
    await change(text);
    await deploy();
  }
  expect(await fn('rollback', 'hello')).toMatchObject({
    code: 0,
    stdout: 'hello: version 2 answers, version 3 did before\n',
  });
  expect((await fn('promote', 'hello')).stdout).toBe('hello: version 3 answers, version 2 did before\n');
  expect((await fn('promote', 'hello')).stdout).toBe('hello: version 3 answers\n');
  expect((await fn('rollback', 'hello', '1')).stdout).toBe('hello: version 1 answers, version 3 did before\n');
  expect((await fn('promote', 'hello', 'v2')).stdout).toBe('hello: version 2 answers, version 1 did before\n');
  const [first] = hello().deployments;
  const json = await fn('promote', 'hello', first?.id ?? '', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject({ current_deployment_id: first?.id });

  expect(await fn('rollback', 'hello')).toMatchObject({ code: 1, stderr: expect.stringContaining('no earlier') });
  expect(await fn('promote', 'hello', '9')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There are: 3, 2, 1.'),
  });
  expect(await fn('promote', 'hello', 'nothing')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"reactor functions show <name>"'),
  });
});

describe('functions invoke', () => {
  interface Echo {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  }

  test.each([
    [[], { method: 'GET', path: '/', body: '' }],
    [['/a/b?c=1'], { path: '/a/b?c=1' }],
    [['a'], { path: '/a' }],
    [['?c=1'], { path: '/?c=1' }],
    [['-X', 'delete'], { method: 'DELETE' }],
    [['-d', '{"a":1}'], { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }],
    [['-d', 'text'], { body: 'text', headers: { 'content-type': 'text/plain; charset=utf-8' } }],
    [
      ['-d', '@data.json', '-X', 'PUT'],
      { method: 'PUT', body: '[1]', headers: { 'content-type': 'application/json' } },
    ],
    [['-d', 'x', '-H', 'content-type: text/csv'], { headers: { 'content-type': 'text/csv' } }],
    [['-H', 'X-A: 1', '-H', 'X-A: 2', '-H', 'X-B:c:d'], { headers: { 'x-a': '1, 2', 'x-b': 'c:d' } }],
    [['-H', 'Authorization: Bearer of-a-user'], { headers: { authorization: 'Bearer of-a-user' } }],
  ])('%j is sent', async (argv, expected) => {
    const { env, directory } = await deployed();
    await writeFile(join(directory, 'data.json'), '[1]');
    const { code, stdout } = await run(['functions', 'invoke', 'hello', ...argv], { env, directory });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(expected);
  });

  test('sends standard input, and no token where that is asked for', async () => {
    const { env } = await deployed();
    const stdin = Readable.from([Buffer.from('one '), Buffer.from('two')]);
    const argv = ['functions', 'invoke', 'hello', '-d', '-', '-H', 'Authorization:'];
    const echo = JSON.parse((await run(argv, { env, stdin })).stdout) as Echo;
    expect(echo).toMatchObject({ method: 'POST', body: 'one two' });
    expect(echo.headers).not.toHaveProperty('authorization');
    expect(echo.headers).not.toHaveProperty('content-type');
  });

  test('--timeout is for each part that is sent, not for all of them', async () => {
    const { env } = await deployed();
    async function* slowly() {
      for (const part of ['one ', 'two ', 'three ', 'four']) {
        await delay(300);
        yield Buffer.from(part);
      }
    }
    const argv = ['functions', 'invoke', 'hello', '-d', '-', '--timeout', '1'];
    const { code, stdout } = await run(argv, { env, stdin: Readable.from(slowly()) });
    expect([code, JSON.parse(stdout).body]).toEqual([0, 'one two three four']);
  });

  test('prints the body as it comes, byte by byte, with status and headers when asked', async () => {
    const { env, fn } = await deployed();
    const running = start(['functions', 'invoke', 'hello', '/bytes'], { env });
    await running.exit;
    expect([...running.bytes()]).toEqual([0xff, 0x00, 0xc3, 0x28]);
    expect((await fn('invoke', 'hello', '/stream')).stdout).toBe('one two');
    expect((await fn('invoke', 'hello', '-i', '/stream')).stdout).toMatch(
      /^200 OK\n(?:[\w-]+: .*\n)*x-reactor-function: hello\n(?:[\w-]+: .*\n)*\none two$/,
    );
    const stopping = new AbortController();
    const endless = start(['functions', 'invoke', 'hello', '/endless'], { env, signal: stopping.signal });
    await expect.poll(endless.stdout).toBe('first');
    stopping.abort();
    expect(await endless.exit).toBe(0);
  });

  test('exits as other commands do when the answer is an error', async () => {
    const { fn } = await deployed();
    expect(await fn('invoke', 'hello', '/teapot')).toEqual({
      code: 1,
      stdout: 'short and stout\n',
      stderr: 'error: hello answered 418\n',
    });
    const crash = await fn('invoke', 'hello', '/crash');
    expect(crash.code).toBe(5);
    expect(crash.stderr).toMatch(
      /^error: hello answered 500: The handler threw\.\n {2}→ reactor functions logs hello --request-id [\w-]+ shows what happened\.\n$/,
    );
    expect(await fn('invoke', 'none')).toMatchObject({ code: 1, stderr: expect.stringContaining('no such function') });
  });

  test('as JSON has status, headers and body', async () => {
    const { env } = await deployed();
    const invoked = async (...argv: string[]) => run(['functions', 'invoke', 'hello', ...argv], { env });
    const { stdout } = await invoked('/stream', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      status: 200,
      body: 'one two',
      headers: { 'x-reactor-function': 'hello' },
    });
    expect(JSON.parse((await invoked('/bytes', '--json')).stdout)).toMatchObject({ body_base64: '/wDDKA==' });
    const teapot = await invoked('/teapot', '-o', 'json');
    expect(JSON.parse(teapot.stdout)).toMatchObject({ ok: false, data: { status: 418, body: 'short and stout' } });
    expect([teapot.code, JSON.parse(teapot.stderr).error.code]).toEqual([1, 'CLIENT_ERROR']);
  });

  test.each([
    [['/../../data/v1/x'], 'leaves the function'],
    [['/%2e%2e/other'], 'leaves the function'],
    [['-X', 'GET', '-d', 'x'], 'GET has no body'],
    [['-X', 'TRACE'], 'no method'],
    [['-X', 'a b'], 'no method'],
    [['-H', `no-colon ${HUSH}`], 'Name: value'],
    [['-H', `x y: ${HUSH}`], 'Name: value'],
    [['-d', '@none'], 'none cannot be read: ENOENT'],
    [['-d', '@.'], 'cannot be read: EISDIR'],
  ])('%j is refused', async (argv, message) => {
    const { fn, requests } = await deployed();
    const before = requests.length;
    const { code, stdout, stderr } = await fn('invoke', 'hello', ...argv);
    expect([code > 0, stdout, stderr]).toEqual([true, '', expect.stringContaining(message)]);
    expect(stderr).not.toContain(HUSH);
    expect(requests).toHaveLength(before);
  });
});

describe('functions logs', () => {
  test('shows the lines of one function, with version and text', async () => {
    const { fn, env, directory, logger } = await deployed();
    const log = logger.target('reactor_functions');
    await fn('invoke', 'hello', '/a');
    log.info('output', { function: 'other', version: 1, text: 'not this' });
    log.warn('process of a function ended', { function: 'hello', version: 1, how: 'signal SIGKILL' });
    log.info('output', { function: 'hello', version: 2, text: 'a\u001b[2J', request_id: 'r-1' });
    logger.info('output', { function: 'hello', text: 'of another capability' });
    const rows = (await fn('logs', 'hello')).stdout.split('\n');
    expect(rows.map((row) => row.replace(/^[\d-]+ [\d:]+ /, ''))).toEqual([
      '[INFO] v1 called',
      '    at /fn/v1/hello/a',
      '[WARN] v1 process of a function ended how="signal SIGKILL"',
      '[INFO] v2 a\\x1b[2J',
      '',
    ]);
    const json = (await run(['functions', 'logs', 'hello', '--request-id', 'r-1'], { env, directory })).stdout;
    expect(JSON.parse(json)).toMatchObject({ fields: { text: 'a\u001b[2J' } });
    expect((await fn('logs', 'hello', '--level', 'error')).stdout).toBe('');
    expect((await fn('logs', 'hello', '--since', '2999-01-01T00:00:00Z')).stdout).toBe('');
    expect(await fn('logs', 'hello', '--since', 'soon')).toMatchObject({ code: 1 });
    expect(await fn('logs', 'No')).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be the name') });
  });

  test('--follow goes on with live ones', async () => {
    const { fn, human } = await deployed();
    await fn('invoke', 'hello', '/kept');
    const stopping = new AbortController();
    const running = start(['functions', 'logs', 'hello', '-f'], { ...human, signal: stopping.signal });
    await expect.poll(running.stdout).toContain('/kept');
    await fn('invoke', 'hello', '/live');
    await expect.poll(running.stdout).toContain('/live');
    stopping.abort();
    expect(await running.exit).toBe(0);
  });
});

describe.each(['secrets', 'env'] as const)('functions %s', (kind) => {
  test('set takes words, files, standard input and what is typed', async () => {
    const { human, env, directory, fn, hello } = await deployed();
    const values = () => Object.fromEntries(Array.from(hello().variables, ([key, { value }]) => [key, value]));
    const set = async (words: readonly string[], stdin?: ReturnType<typeof terminal> | Readable) => {
      const result = await run(['functions', kind, 'set', 'hello', ...words], {
        ...human,
        ...(stdin === undefined ? {} : { stdin }),
      });
      expect(result.code, result.stderr).toBe(0);
      expect(result.stdout + result.stderr).not.toContain(HUSH);
      return result;
    };
    expect((await set([`A=${HUSH}=`, 'B='])).stdout).toBe('set A\nset B\n');
    await writeFile(join(directory, 'values'), `C="${HUSH}\nx"\nexport D=1 # one\n`);
    await set(['--env-file', 'values', 'D=2']);
    await set(['E'], Readable.from([`${HUSH}\nsecond\n`]));
    const keyboard = terminal();
    const typing = set(['F', 'G'], keyboard);
    keyboard.write(`${HUSH}x\u007f\r`);
    // What is typed before the question is there is the answer to it.
    keyboard.write('g\r');
    expect((await typing).stderr).toContain('F: \n');
    expect(values()).toEqual({ A: `${HUSH}=`, B: '', C: `${HUSH}\nx`, D: '2', E: `${HUSH}\nsecond`, F: HUSH, G: 'g' });
    expect([...hello().variables.values()].every((one) => one.is_secret === (kind === 'secrets'))).toBe(true);

    const json = JSON.parse((await run(['functions', kind, 'set', 'hello', 'A=1', '--json'], { env })).stdout);
    expect(json).toEqual({ function: 'hello', set: ['A'] });
    expect((await fn(kind, 'unset', 'hello', 'A', 'B')).stdout).toBe('removed A\nremoved B\n');
    expect(values()).not.toHaveProperty('A');
  });

  test('list shows those of this kind', async () => {
    const { fn, env } = await deployed();
    const none = kind === 'secrets' ? 'no secrets\n' : 'no variables\n';
    expect((await fn(kind, 'list', 'hello')).stdout).toBe(none);
    await fn('secrets', 'set', 'hello', `SECRET=${HUSH}`);
    await fn('env', 'set', 'hello', 'OPEN=value');
    const { stdout } = await fn(kind, 'list', 'hello');
    expect(stdout).toMatch(kind === 'secrets' ? /^SECRET {2}\(secret\) {2}2026/ : /^OPEN {2}value {2}2026/);
    const json = (await run(['functions', kind, 'list', 'hello', '--json'], { env })).stdout;
    expect(JSON.parse(json)[kind]).toHaveLength(1);
    expect(stdout + json).not.toContain(HUSH);
  });

  test.each([
    [['set', 'hello'], 'nothing to set'],
    [['set', 'hello', HUSH], 'word 1 is neither KEY nor KEY=value'],
    [['set', 'hello', 'A=1', `a-b=${HUSH}`], 'word 2 is neither KEY nor KEY=value'],
    [['set', 'hello', 'A', 'B'], 'standard input is one value'],
    [['set', 'hello', '--env-file', 'bad'], 'bad:2 is not KEY=value'],
    [['set', 'hello', '--env-file', 'none'], 'cannot be read: ENOENT'],
    [['unset', 'hello'], 'missing required argument'],
    [['unset', 'hello', 'a/b'], '"a/b" cannot be the name of a variable'],
    [['unset', 'hello', 'NONE'], 'There is no such variable.'],
  ])('%j is refused', async (argv, message) => {
    const { env, directory, hello } = await deployed();
    await writeFile(join(directory, 'bad'), `A=1\n${HUSH}==\n`);
    const { code, stdout, stderr } = await run(['functions', kind, ...argv], { env, directory, terminal: true });
    expect([code > 0, stdout, stderr]).toEqual([true, '', expect.stringContaining(message)]);
    expect(stderr).not.toContain(HUSH);
    expect(hello().variables.size).toBe(0);
  });

  test('says what was set before one that is refused, and takes no half of what is typed', async () => {
    const { fn, human, hello } = await deployed();
    expect(await fn(kind, 'set', 'hello', 'A=1', `REACTOR_URL=${HUSH}`)).toEqual({
      code: 1,
      stdout: '',
      stderr: 'warning: set before this: A\nerror: Reactor sets this one.\n',
    });
    for (const typed of ['half\u0003', '\u0004', undefined]) {
      const stdin = terminal();
      if (typed === undefined) stdin.end('half');
      else stdin.write(typed);
      const { code, stderr } = await run(['functions', kind, 'set', 'hello', 'B'], { ...human, stdin });
      expect([code, stderr]).toEqual([1, expect.stringContaining('stopped before anything was sent')]);
    }
    expect([...hello().variables.keys()]).toEqual(['A']);
  });

  test('takes standard input that is text of some length only', async () => {
    const { env } = await deployed();
    const set = (stdin: Readable) => run(['functions', kind, 'set', 'hello', 'A'], { env, stdin });
    expect(await set(Readable.from([Buffer.from([0xff])]))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not UTF-8'),
    });
    expect(await set(Readable.from([Buffer.alloc(1_100_000, 'x')]))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('more than 1048576 bytes'),
    });
    const stopping = new AbortController();
    const options = { env, stdin: new PassThrough(), signal: stopping.signal };
    const running = start(['functions', kind, 'set', 'hello', 'A'], options);
    await expect.poll(() => options.stdin.listenerCount('end')).toBeGreaterThan(0);
    stopping.abort();
    expect(await running.exit).toBe(1);
  });
});

describe('functions dev', () => {
  test('deploys at each change, shows what is wrong and what is printed, until the user stops it', async () => {
    const { human, fn, change, hello, known } = await deployed();
    known.clear();
    await change('broken at first');
    const stopping = new AbortController();
    const running = start(['functions', 'dev', 'hello'], { ...human, signal: stopping.signal });
    await expect.poll(running.stderr).toContain('index.ts:1:1 Unexpected broken');
    await change('export default () => new Response()');
    await expect.poll(running.stdout, { timeout: 10_000 }).toContain('hello: version 2 answers at http://');
    await change('broken again');
    await expect.poll(() => running.stderr().split('index.ts:1:1 Unexpected broken').length).toBe(3);
    await change('export default () => new Response("other")');
    await expect.poll(running.stdout, { timeout: 10_000 }).toContain('version 4 answers');
    await fn('invoke', 'hello', '/seen');
    await expect.poll(running.stdout, { timeout: 10_000 }).toContain('[INFO] v4 called\n    at /fn/v1/hello/seen\n');
    stopping.abort();
    expect(await running.exit).toBe(0);
    expect(hello().deployments).toHaveLength(4);
  });

  test('prints an object a line for programs', async () => {
    const { env, directory, change } = await deployed();
    const stopping = new AbortController();
    const running = start(['functions', 'dev', 'hello', '--json'], { env, directory, signal: stopping.signal });
    await expect.poll(running.stdout).toContain('"version":1');
    await change('2');
    await expect.poll(running.stdout, { timeout: 10_000 }).toContain('"version":2');
    stopping.abort();
    await running.exit;
    for (const line of running.stdout().trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('deployment');
  });

  test('ends when it cannot begin', async () => {
    const { env, directory } = await deployed();
    const dev = (argv: string[], of = env) => run(['functions', 'dev', ...argv], { env: of, directory });
    expect(await dev(['none'])).toMatchObject({ code: 2 });
    expect(await dev(['hello', '--name', 'No'])).toMatchObject({ code: 1 });
    expect(await dev(['hello'], { ...env, REACTOR_ADMIN_TOKEN: 'wrong' })).toMatchObject({ code: 3 });
  });
});
