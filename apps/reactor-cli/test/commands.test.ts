import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DoctorProbe } from '@reactor/core';
import { temporaryDirectory } from '@reactor/testing';
import { describe, expect, test } from 'vitest';
import { processStartOf } from '../src/project/lock-file.js';
import { answering, nobody, run, start, TOKEN, testServer } from './fixtures.js';

function probe(name: string, result: 'ok' | 'fail', more: Partial<DoctorProbe> = {}): DoctorProbe {
  return {
    name,
    timeoutMs: 500,
    run: async () =>
      result === 'ok'
        ? { status: 'ok', message: 'fine' }
        : { status: 'fail', message: `${name} is broken`, remedy: `Repair ${name}.` },
    ...more,
  };
}

describe('doctor', () => {
  test('is content with a server that is', async () => {
    const { env, wrong } = await testServer();
    wrong.probes = [probe('fs_writable', 'ok')];
    const { code, stdout } = await run(['doctor'], { env, terminal: true });
    expect(stdout).toBe(
      `Reactor at ${env.REACTOR_URL}\n✔ server\n✔ storage\n  ✔ storage.fs_writable: fine\n\n2 ok, 0 to look at, 0 failed\n`,
    );
    expect(code).toBe(0);
  });

  test('names the failing capability of a 503, the probe and its remedy, and folds what it explains', async () => {
    const { env, wrong } = await testServer();
    wrong.health = { status: 'error', reason: 'the blob folder is read-only' };
    wrong.probes = [
      probe('db_ping', 'fail', { provides: 'database' }),
      probe('fs_writable', 'ok'),
      probe('migrations', 'fail', { dependsOn: ['database'] }),
      probe('objects_readable', 'ok', { dependsOn: ['database'] }),
    ];
    const { code, stdout } = await run(['doctor'], { env, terminal: true });
    expect(stdout).toBe(
      [
        `Reactor at ${env.REACTOR_URL}`,
        '✖ server: storage: the blob folder is read-only',
        '✖ storage',
        '  ✖ storage.db_ping: db_ping is broken',
        '      → Repair db_ping.',
        '      ↳ because of database: storage.migrations, storage.objects_readable',
        '  ✔ storage.fs_writable: fine',
        '',
        '1 ok, 0 to look at, 2 failed, 2 more because of database',
        '',
      ].join('\n'),
    );
    expect(code).toBe(5);
  });

  test.each([
    [{ status: 'ok', capabilities: {} }, ''],
    [{ status: 'error', capabilities: {}, failing: ['data'], errors: { data: 'gone' } }, '✖ health: data: gone\n'],
  ])('has one line called server where the report has one: %j', async (health, first) => {
    const report = { server: { status: 'ok', checks: [] } };
    const address = await answering(({ url }) => Response.json(new URL(url).pathname === '/health' ? health : report));
    const { stdout } = await run(['doctor'], {
      env: { REACTOR_URL: address, REACTOR_ADMIN_TOKEN: TOKEN },
      terminal: true,
    });
    expect(stdout).toMatch(new RegExp(`^Reactor at .*\\n${first}✔ server\\n\\n`));
  });

  test('gives programs the checks, a summary and the report as the server sent it', async () => {
    const { env, wrong } = await testServer();
    wrong.probes = [probe('fs_writable', 'fail'), probe('disk_space', 'ok')];
    const { code, stdout } = await run(['doctor'], { env });
    const { ok, data } = JSON.parse(stdout);
    expect([code, ok]).toEqual([5, false]);
    expect(data.summary).toEqual({ total: 4, ok: 2, warn: 0, fail: 2 });
    expect(data.checks).toMatchObject([
      { name: 'server', status: 'ok' },
      { name: 'capability:storage', status: 'fail' },
      { name: 'storage.fs_writable', status: 'fail', details: { remedy: 'Repair fs_writable.' } },
      { name: 'storage.disk_space', status: 'ok' },
    ]);
    const raw = JSON.parse((await run(['doctor', '--json'], { env })).stdout);
    const response = await fetch(`${env.REACTOR_URL}/_admin/doctor`, { headers: { Authorization: `Bearer ${TOKEN}` } });
    const endpoint = (await response.json()) as typeof raw.server;
    const untimed = (report: unknown) => JSON.stringify(report).replace(/"duration_ms":[\d.]+/g, '');
    expect(untimed(raw.server)).toBe(untimed(endpoint));
  });

  test('says it when it may not ask, or nobody is there', async () => {
    const { env } = await testServer();
    const refused = await run(['doctor'], { env: { ...env, REACTOR_ADMIN_TOKEN: 'wrong' }, terminal: true });
    expect(refused.code).toBe(3);
    expect(refused.stdout).toContain('✔ server\n✖ server_doctor: This route needs the admin token.\n    → ');
    const gone = await run(['doctor'], { env: { REACTOR_URL: await nobody() }, terminal: true });
    expect(gone.code).toBe(6);
    expect(gone.stdout).toContain('✖ server: no server listens on');
    expect(gone.stdout).toContain('npx pnpm@10 start');
  });

  test('is not moved by what a server puts into a message', async () => {
    const url = await answering(() =>
      Response.json({ '\u001b[2J': { status: 'ok', checks: [{ name: 'a\nb', status: 'ok' }] } }),
    );
    const { stdout } = await run(['doctor', '--url', url], { terminal: true });
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('a\\nb');
  });
});

describe('health', () => {
  test('exits with 0 when everything works', async () => {
    const { env } = await testServer();
    expect(await run(['health'], { env, terminal: true })).toMatchObject({ code: 0, stdout: '✔ auth\n✔ storage\n' });
  });

  test('exits with 5 and the body of the 503 when something fails', async () => {
    const { env, wrong } = await testServer();
    wrong.health = { status: 'error', reason: 'the disk is full' };
    const failing = await run(['health', '--json'], { env });
    expect(failing.code).toBe(5);
    expect(JSON.parse(failing.stdout)).toEqual({
      status: 'error',
      capabilities: { auth: 'ok', storage: 'error' },
      failing: ['storage'],
      errors: { storage: 'the disk is full' },
    });
  });
});

describe('version', () => {
  test('prints ours and the server’s', async () => {
    const { env, url } = await testServer();
    const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
    expect(await run(['version'], { env, terminal: true })).toMatchObject({
      code: 0,
      stdout: `reactor-cli ${version}\nserver 0.1.0 at ${url} (auth 0.1.0, storage 0.1.0)\n`,
    });
    expect(JSON.parse((await run(['version', '--json'], { env })).stdout)).toEqual({
      cli: { version },
      server: { url, version: '0.1.0', capabilities: { auth: '0.1.0', storage: '0.1.0' } },
    });
    expect((await run(['--version'])).stdout).toBe(`reactor-cli ${version}\n`);
  });

  test('does not fail because the server does', async () => {
    const { env } = await testServer();
    for (const bad of [{ REACTOR_URL: await nobody() }, { ...env, REACTOR_ADMIN_TOKEN: 'wrong' }]) {
      const { code, stdout } = await run(['version', '--json'], { env: bad });
      expect(code).toBe(0);
      expect(Object.keys(JSON.parse(stdout))).toEqual(['cli']);
    }
  });

  test.each([
    ['9.0.0', 'warning: this command line is made for servers'],
    ['0.9.0', 'note: the server is 0.9.0'],
    ['0.1.9', ''],
  ])('compares itself with %s', async (reactor, note) => {
    const url = await answering(() => Response.json({ reactor, capabilities: {} }));
    const { stderr } = await run(['version', '--url', url], { terminal: true });
    expect(stderr).toContain(note);
    if (note === '') expect(stderr).toBe('');
  });
});

describe('status', () => {
  test('shows pid, address, uptime and health of a running server', async () => {
    const { url } = await testServer();
    const root = await temporaryDirectory();
    const processStart = await processStartOf(process.pid);
    const startedAt = new Date(Date.now() - 3_725_000).toISOString();
    await mkdir(join(root, '.reactor'));
    await writeFile(
      join(root, '.reactor', 'server.pid'),
      `${process.pid}\n${JSON.stringify({ startedAt, processStart, url })}\n`,
    );
    const { stdout, code } = await run(['status', '--json'], { directory: root });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      running: true,
      url,
      pid: process.pid,
      started_at: startedAt,
      uptime: '1h 2m',
      uptime_seconds: expect.any(Number),
      state_dir: join(root, '.reactor'),
      health: { status: 'ok', capabilities: { auth: 'ok', storage: 'ok' } },
    });
    expect((await run(['status'], { directory: root, terminal: true })).stdout).toContain(`pid     ${process.pid}\n`);
    // Another server than the one of this folder.
    const { url: other } = await testServer();
    expect(
      JSON.parse((await run(['status', '--json', '--url', other], { directory: root })).stdout),
    ).not.toHaveProperty('pid');
  });

  test('takes "not running" for an answer', async () => {
    const { code, stdout } = await run(['status'], { env: { REACTOR_URL: await nobody() } });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, data: { running: false, message: expect.any(String) } });
  });
});

describe('requests', () => {
  test('are made again after a 5xx, each under an id of its own, and then given up', async () => {
    const ids: (string | null)[] = [];
    let failures = 2;
    const url = await answering((request) => {
      ids.push(request.headers.get('X-Request-Id'));
      return failures-- > 0
        ? new Response('no', { status: 500 })
        : Response.json({ reactor: '0.1.0', capabilities: {} });
    });
    const { code } = await run(['doctor', '--url', url]);
    expect(ids.length).toBeGreaterThanOrEqual(3);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(code).toBe(5);

    let count = 0;
    const broken = await answering(() => {
      count++;
      return Response.json({ error: { message: 'it broke' } }, { status: 500, headers: { 'X-Request-Id': 'r-1' } });
    });
    const { stderr } = await run(['logs', '--url', broken, '--json']);
    expect(count).toBe(4);
    expect(JSON.parse(stderr).error).toEqual({
      code: 'SERVER_ERROR',
      message: 'it broke',
      hint: 'reactor logs --request-id r-1 shows what happened.',
    });
  });

  test('are not made again after a 4xx', async () => {
    let count = 0;
    const url = await answering(() => {
      count++;
      return Response.json({ error: { message: 'no' } }, { status: 400 });
    });
    expect((await run(['logs', '--url', url])).code).toBe(1);
    expect(count).toBe(1);
  });

  test('carry the token and the name of the client, and follow nobody elsewhere', async () => {
    const elsewhere: Request[] = [];
    const other = await answering((request) => {
      elsewhere.push(request);
      return new Response();
    });
    const seen: Headers[] = [];
    const url = await answering((request) => {
      seen.push(request.headers);
      return Response.redirect(`${other}/`, 302);
    });
    const { code, stderr } = await run(['logs', '--url', url, '--token', TOKEN]);
    expect(code).toBe(5);
    expect(stderr).toContain(`redirects to ${other}/`);
    expect(elsewhere).toEqual([]);
    expect(seen[0]?.get('Authorization')).toBe(`Bearer ${TOKEN}`);
    expect(seen[0]?.get('User-Agent')).toMatch(/^reactor-cli\/\d/);
  });

  test('understand enveloped answers, errors included', async () => {
    const url = await answering(() =>
      Response.json({ ok: true, data: { status: 'ok', capabilities: { auth: 'ok' } } }),
    );
    expect(JSON.parse((await run(['health', '--url', url, '--json'])).stdout)).toEqual({
      status: 'ok',
      capabilities: { auth: 'ok' },
    });
    const refusing = await answering(() =>
      Response.json({ ok: false, error: { code: 'X', message: 'not now' } }, { status: 409 }),
    );
    expect((await run(['logs', '--url', refusing])).stderr).toContain('not now');
  });

  test.each([
    ['401 without a token', 401, [], 3, 'AUTH_REQUIRED', 'REACTOR_ADMIN_TOKEN'],
    ['401 with one', 401, ['--token', 'x'], 3, 'AUTH_FAILED', 'is not the one'],
    ['403', 403, ['--token', 'x'], 3, 'PERMISSION_DENIED', 'admin.allow_remote = true'],
    ['403', 403, ['--token', 'x'], 3, 'PERMISSION_DENIED', 'ssh -L'],
    ['404', 404, [], 1, 'CLIENT_ERROR', 'a Reactor server'],
  ])('%s says what to do', async (_, status, flags, exit, code, hint) => {
    const url = await answering(() => Response.json({ error: { code: 'x', message: 'no' } }, { status }));
    const result = await run(['logs', '--url', url, ...flags]);
    expect(result.code).toBe(exit);
    expect(JSON.parse(result.stderr)).toMatchObject({
      ok: false,
      error: { code, hint: expect.stringContaining(hint) },
    });
  });

  test('give up on a server that does not answer', async () => {
    const url = await answering(() => new Promise(() => {}));
    const { code, stderr } = await run(['health', '--url', url, '--timeout', '0.05']);
    expect(code).toBe(6);
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'TIMEOUT', hint: expect.stringContaining('--timeout') });
  });

  test('tell when nobody listens, and which server died here', async () => {
    const root = await temporaryDirectory();
    await mkdir(join(root, '.reactor'));
    await writeFile(join(root, '.reactor', 'server.pid'), '99999\n{"startedAt":"x","processStart":"other/1"}\n');
    const { code, stderr } = await run(['health'], { directory: root, env: { REACTOR_URL: await nobody() } });
    expect(code).toBe(6);
    expect(JSON.parse(stderr).error).toMatchObject({
      code: 'CONNECTION_REFUSED',
      hint: expect.stringContaining('pid 99999, has died'),
    });
  });

  test('refuse an answer that is not one', async () => {
    const url = await answering(() => new Response('<html>'));
    for (const command of ['health', 'logs']) {
      expect(await run([command, '--url', url])).toMatchObject({ code: 5 });
    }
  });
});

describe('the command line', () => {
  test.each([
    [[], 'MISSING_ARGUMENT'],
    [['nope'], 'INVALID_ARGUMENT'],
    [['logs', '--since'], 'MISSING_ARGUMENT'],
    [['logs', '--nope'], 'INVALID_ARGUMENT'],
    [['logs', 'a', 'b'], 'INVALID_ARGUMENT'],
    [['health', '--timeout', '0'], 'INVALID_ARGUMENT'],
    [['health', '--timeout', 'soon'], 'INVALID_ARGUMENT'],
    [['health', '--json', '--output', 'json'], 'INVALID_ARGUMENT'],
  ])('%j exits with 1', async (argv, code) => {
    const result = await run(argv, { env: { REACTOR_OUTPUT: 'json' } });
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(result.stderr)).toMatchObject({ ok: false, error: { code } });
  });

  test('refuses an unknown output format', async () => {
    for (const [argv, env] of [
      [['health', '-o', 'yaml'], {}],
      [['health'], { REACTOR_OUTPUT: 'yaml' }],
    ] as const) {
      expect(await run(argv, { env })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('Accepted: human, json'),
      });
    }
  });

  test('is human on a terminal, enveloped JSON elsewhere, unless told', async () => {
    const { env } = await testServer();
    const isJson = (text: string) => text.startsWith('{\n  "ok": true');
    expect(isJson((await run(['health'], { env })).stdout)).toBe(true);
    expect(isJson((await run(['health'], { env, terminal: true })).stdout)).toBe(false);
    expect(isJson((await run(['health'], { env: { ...env, REACTOR_OUTPUT: 'text' } })).stdout)).toBe(false);
    expect(isJson((await run(['-o', 'json', 'health'], { env, terminal: true })).stdout)).toBe(true);
    expect(isJson((await run(['health', '-o', 'human'], { env: { ...env, REACTOR_OUTPUT: 'json' } })).stdout)).toBe(
      false,
    );
  });

  test('has colour on a terminal without NO_COLOR only', async () => {
    const { env } = await testServer();
    expect((await run(['health'], { env: { ...env, NO_COLOR: '' }, terminal: true })).stdout).toContain('\u001b[32m✔');
    expect((await run(['health'], { env, terminal: true })).stdout).not.toContain('\u001b');
    expect((await run(['health', '-o', 'human'], { env: { ...env, NO_COLOR: '' } })).stdout).not.toContain('\u001b');
  });

  test('prints help to standard output', async () => {
    const { code, stdout, stderr } = await run(['--help']);
    expect([code, stderr]).toEqual([0, '']);
    for (const command of ['doctor', 'logs', 'status', 'health', 'version', 'db', 'functions'])
      expect(stdout).toContain(command);
    for (const argv of [['--help'], ['db', 'migrate', '--help']]) {
      const help = (await run(argv)).stdout.replace(/\s+/g, ' ');
      expect(help).toContain('-o, --output <format> human or json');
      expect(help).toContain('Without it: human on a terminal, json into a pipe');
    }
  });

  test('has a row in the README for each command', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const namesIn = async (...parents: string[]) => {
      const [, commands = ''] = (await run([...parents, '--help'])).stdout.split('Commands:');
      const names = Array.from(commands.matchAll(/^ {2}(\w+)/gm), ([, name]) => [...parents, name].join(' '));
      return names.filter((name) => !/(^| )help$/.test(name));
    };
    const groups = [[], ['db'], ['functions'], ['functions', 'secrets'], ['functions', 'env']];
    const names = (await Promise.all(groups.map((group) => namesIn(...group)))).flat();
    expect(names).toEqual(expect.arrayContaining(['db types', 'functions invoke', 'functions secrets set']));
    const commands = names.filter((name) => !groups.some((group) => group.join(' ') === name));
    expect(commands.filter((name) => !readme.includes(`\n| \`${name}`))).toEqual([]);
  });

  test('shows its requests with --verbose, and never the token', async () => {
    const { env } = await testServer();
    for (const argv of [
      ['doctor'],
      ['version'],
      ['logs'],
      ['health'],
      ['status'],
      ['logs', '--since', 'x'],
      ['nope'],
    ]) {
      const { stdout, stderr } = await run([...argv, '--verbose'], { env });
      if (argv[0] !== 'nope')
        expect(stderr).toMatch(/GET http:\/\/127\.0\.0\.1:\d+\/\S+ \(request id [\w-]+\)\n\d+ after/);
      expect(stdout + stderr).not.toContain(TOKEN);
    }
  });

  test('stops when the user wants it to, without an error', async () => {
    const url = await answering(() => new Promise(() => {}));
    const stopping = new AbortController();
    const running = start(['doctor', '--url', url, '-v'], { signal: stopping.signal });
    await expect.poll(running.stderr).toContain('GET');
    stopping.abort();
    expect(await running.exit).toBe(0);
    expect(running.stdout()).toBe('');
  });
});
