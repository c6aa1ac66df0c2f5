import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryDirectory } from '@reactor/testing';
import { describe, expect, test } from 'vitest';
import { resolveConnection } from '../src/connection.js';
import { processStartOf } from '../src/project/lock-file.js';
import { nobody, run, TOKEN, testServer } from './fixtures.js';

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

async function lock(stateDirectory: string, url: string, start?: string): Promise<void> {
  const record = {
    startedAt: '2026-01-31T12:00:00.000Z',
    processStart: start ?? (await processStartOf(process.pid)),
    url,
  };
  await put(join(stateDirectory, 'server.pid'), `${process.pid}\n${JSON.stringify(record)}\n`);
}

async function resolve(directory: string, options = {}, env = {}) {
  const { signal } = new AbortController();
  const connection = await resolveConnection(options, {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env,
    directory,
    signal,
  });
  return { ...connection, url: connection.url.href };
}

describe('finds the server', () => {
  test('of the project above, by its lock and its token', async () => {
    const root = await temporaryDirectory();
    await lock(join(root, '.reactor'), 'http://0.0.0.0:4711');
    await put(join(root, '.reactor', 'admin-token'), `${TOKEN}\n`);
    await mkdir(join(root, 'a', 'b'), { recursive: true });
    for (const directory of [root, join(root, 'a', 'b'), join(root, '.reactor'), join(root, '.reactor', 'none')]) {
      expect(await resolve(directory)).toMatchObject({ url: 'http://127.0.0.1:4711/', token: TOKEN });
    }
    expect(await resolve('/', { project: root })).toMatchObject({ url: 'http://127.0.0.1:4711/', token: TOKEN });
  });

  test('of a Reactor.toml, by its state directory and its address', async () => {
    const root = await temporaryDirectory();
    await put(join(root, 'Reactor.toml'), '[server]\nbind = "[::]:9000"\nstate_dir = "var/state"\n');
    expect(await resolve(join(root))).toMatchObject({ url: 'http://[::1]:9000/', tokenHint: expect.any(String) });
    await put(join(root, 'var/state/admin-token'), TOKEN);
    expect(await resolve(root)).toMatchObject({ url: 'http://[::1]:9000/', token: TOKEN });
    await lock(join(root, 'var/state'), 'http://127.0.0.1:9001');
    expect(await resolve(root)).toMatchObject({ url: 'http://127.0.0.1:9001/', token: TOKEN });
    await put(join(root, 'Reactor.toml'), '[server]\nstate_dir = "var/state{{ env SUFFIX }}"\n');
    expect((await resolve(root, {}, { SUFFIX: '' })).token).toBe(TOKEN);
    expect((await resolve(root, {}, {})).token).toBeUndefined();
  });

  test.each([
    ['env:THE_TOKEN', 'from-the-environment'],
    ['{{ env THE_TOKEN }}', 'from-the-environment'],
    ['literal', 'literal'],
    ['env:MISSING', undefined],
    ['{{ env MISSING }}', undefined],
  ])('with the token %s of its Reactor.toml', async (written, expected) => {
    const root = await temporaryDirectory();
    await put(join(root, 'Reactor.toml'), `[admin]\ntoken = "${written}"\n`);
    expect((await resolve(root, {}, { THE_TOKEN: 'from-the-environment' })).token).toBe(expected);
  });

  test.each(['env:OPS_TOKEN', '{{ env OPS_TOKEN }}'])('with a token %s that is not set here', async (written) => {
    const root = await temporaryDirectory();
    const manifest = join(root, 'Reactor.toml');
    await put(manifest, `[admin]\ntoken = "${written}"\n`);
    // Of a server that ran before there was a configuration.
    await put(join(root, '.reactor', 'admin-token'), 'old');
    for (const env of [{}, { OPS_TOKEN: '' }]) {
      const { token, tokenHint } = await resolve(root, {}, env);
      expect(token).toBeUndefined();
      expect(tokenHint).toBe(`Set OPS_TOKEN, which is admin.token in ${manifest}, or REACTOR_ADMIN_TOKEN.`);
    }
    const { env } = await testServer();
    const { code, stderr } = await run(['logs'], { directory: root, env: { REACTOR_URL: env.REACTOR_URL } });
    expect([code, JSON.parse(stderr).error]).toEqual([
      3,
      expect.objectContaining({ code: 'AUTH_REQUIRED', hint: expect.stringContaining('OPS_TOKEN') }),
    ]);
  });

  test('at the default address where nothing is found', async () => {
    expect(await resolve(await temporaryDirectory())).toMatchObject({
      url: 'http://127.0.0.1:8000/',
      tokenHint: expect.stringMatching(/--project.*REACTOR_ADMIN_TOKEN/),
    });
  });

  test('whose state directory its environment names, by the same environment', async () => {
    const [root, state] = [await temporaryDirectory(), await temporaryDirectory()];
    await lock(state, 'http://127.0.0.1:4711');
    await put(join(state, 'admin-token'), TOKEN);
    const found = { url: 'http://127.0.0.1:4711/', token: TOKEN };
    const env = { REACTOR_SERVER__STATE_DIR: state };
    expect(await resolve(root, {}, env)).toMatchObject(found);
    // Not of the server that runs here without it.
    await lock(join(root, '.reactor'), 'http://127.0.0.1:4712');
    for (const directory of [root, join(root, '.reactor')]) {
      expect(await resolve(directory, {}, env)).toMatchObject(found);
      expect(await resolve(directory, {}, { REACTOR_SERVER__STATE_DIR: '' })).toMatchObject({
        url: 'http://127.0.0.1:4712/',
      });
    }
    await put(join(root, 'Reactor.toml'), '[server]\nstate_dir = "elsewhere"\nbind = "127.0.0.1:4713"\n');
    expect(await resolve(root, {}, env)).toMatchObject(found);
    expect(await resolve(root)).toMatchObject({ url: 'http://127.0.0.1:4713/' });
  });

  test('whose state directory its environment names relative to its folder, also from below it', async () => {
    const root = await temporaryDirectory();
    await lock(join(root, 'var/state'), 'http://127.0.0.1:4711');
    await mkdir(join(root, 'a/b'), { recursive: true });
    for (const directory of [root, join(root, 'a/b')]) {
      const { url } = await resolve(directory, {}, { REACTOR_SERVER__STATE_DIR: 'var/state' });
      expect(url).toBe('http://127.0.0.1:4711/');
    }
  });

  test.each([
    ['the environment alone', undefined, undefined],
    ['the environment over the file', '[server]\nbind = "127.0.0.1:1"\n[admin]\ntoken = "of the file"\n', undefined],
    ['the file where a variable is empty', `[server]\nbind = "127.0.0.1:4711"\n[admin]\ntoken = "${TOKEN}"\n`, ''],
  ])('by address and token of %s', async (_, file, value) => {
    const root = await temporaryDirectory();
    if (file !== undefined) await put(join(root, 'Reactor.toml'), file);
    const env = { REACTOR_SERVER__BIND: value ?? '0.0.0.0:4711', REACTOR_ADMIN__TOKEN: value ?? TOKEN };
    expect(await resolve(root, {}, env)).toMatchObject({ url: 'http://127.0.0.1:4711/', token: TOKEN });
    // It is of this machine's server.
    expect((await resolve(root, { url: 'https://example.com' }, env)).token).toBeUndefined();
  });

  test('or says how to name another', async () => {
    const root = await temporaryDirectory();
    const { stdout } = await run(['doctor', '--url', await nobody()], { directory: root, terminal: true });
    expect(stdout).toMatch(/no server listens on .*\n.*--url .*--project/);
    await mkdir(join(root, '.reactor'));
    await lock(join(root, '.reactor'), 'http://127.0.0.1:4711');
    expect((await resolve(root)).tokenHint).toMatch(/--project/);
  });

  test('and not the one that died, nor a process that got its pid', async () => {
    const root = await temporaryDirectory();
    await lock(join(root, '.reactor'), 'http://127.0.0.1:4711', 'another-boot/1');
    expect(await resolve(root)).toMatchObject({ url: 'http://127.0.0.1:8000/', project: { lock: { alive: false } } });
    for (const damaged of ['', 'x\n{}', `${process.pid}\nnot json`, `${process.pid}`]) {
      await put(join(root, '.reactor', 'server.pid'), damaged);
      expect((await resolve(root)).url).toBe('http://127.0.0.1:8000/');
    }
  });
});

describe('who wins', () => {
  test('flags over environment over what is found', async () => {
    const root = await temporaryDirectory();
    await lock(join(root, '.reactor'), 'http://127.0.0.1:1111');
    await put(join(root, '.reactor', 'admin-token'), 'found');
    const env = { REACTOR_URL: 'http://127.0.0.1:2222', REACTOR_ADMIN_TOKEN: 'environment' };
    const flags = { url: 'http://127.0.0.1:3333', token: 'flag' };
    expect(await resolve(root)).toMatchObject({ url: 'http://127.0.0.1:1111/', token: 'found' });
    expect(await resolve(root, {}, env)).toMatchObject({ url: 'http://127.0.0.1:2222/', token: 'environment' });
    expect(await resolve(root, flags, env)).toMatchObject({ url: 'http://127.0.0.1:3333/', token: 'flag' });
    expect(await resolve(root, {}, { REACTOR_URL: '', REACTOR_ADMIN_TOKEN: '' })).toMatchObject({ token: 'found' });
  });

  test('a token found here stays on this machine', async () => {
    const root = await temporaryDirectory();
    await put(join(root, '.reactor', 'admin-token'), TOKEN);
    for (const url of ['http://localhost:1', 'http://127.1.2.3:1', 'http://[::1]:1']) {
      expect((await resolve(root, { url })).token).toBe(TOKEN);
    }
    for (const url of ['https://example.com', 'http://192.0.2.1:8000', 'http://127.0.0.1.example.com']) {
      const { token, tokenHint } = await resolve(root, { url });
      expect(token).toBeUndefined();
      expect(tokenHint).toContain('REACTOR_ADMIN_TOKEN');
      expect((await resolve(root, { url, token: 'meant' })).token).toBe('meant');
    }
  });
});

describe('refuses', () => {
  test.each(['nonsense', 'ftp://example.com', 'localhost:8000', ''])('the address %j', async (url) => {
    const { code, stderr } = await run(['health', '--url', url, '--json']);
    expect(JSON.parse(stderr).error.code).toBe('URL_ERROR');
    expect(code).toBe(2);
  });

  test('an address with credentials, without repeating them', async () => {
    const { code, stderr } = await run(['health', '--url', 'http://me:hunter2@localhost:8000']);
    expect(code).toBe(2);
    expect(stderr).not.toContain('hunter2');
  });

  test('a Reactor.toml that is not TOML', async () => {
    const root = await temporaryDirectory();
    await put(join(root, 'Reactor.toml'), '[server\n');
    const { code, stderr } = await run(['health', '--json'], { directory: root });
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'CONFIG_ERROR',
      message: expect.stringContaining('Reactor.toml'),
    });
    expect(code).toBe(2);
  });

  test('a token file it may not read, saying whose it is', async () => {
    const root = await temporaryDirectory();
    const file = join(root, '.reactor', 'admin-token');
    // A folder instead of a file: unreadable for root too, who runs tests in containers.
    await mkdir(file, { recursive: true });
    await chmod(file, 0o700);
    const { code, stderr } = await run(['doctor', '--json'], { directory: root });
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'IO_ERROR', hint: expect.stringContaining('user') });
    expect(code).toBe(2);
  });
});
