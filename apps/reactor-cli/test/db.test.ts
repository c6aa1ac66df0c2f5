import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { join } from 'node:path';
import { temporaryDirectory } from '@reactor/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { answering, nobody, run, start } from './fixtures.js';

interface Seen {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** A server that answers every request the same, and what it was asked. */
async function server(body: unknown, init?: ResponseInit) {
  const seen: Seen[] = [];
  const url = await answering(async (request) => {
    const { pathname, search } = new URL(request.url);
    const text = await request.text();
    seen.push({ method: request.method, path: pathname + search, body: text === '' ? undefined : JSON.parse(text) });
    return typeof body === 'string' ? new Response(body, init) : Response.json(body, init);
  });
  return { seen, env: { REACTOR_URL: url, REACTOR_ADMIN_TOKEN: 'the-token' }, url };
}

async function files(contents: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const root = await temporaryDirectory();
  await mkdir(join(root, 'migrations'));
  for (const [name, text] of Object.entries(contents)) await writeFile(join(root, 'migrations', name), text);
  return root;
}

const failure = (code: string, message: string, status: number, details?: unknown) =>
  [{ error: { code, message, status, details } }, { status }] as const;

const SEE_STATUS = '"reactor db status" shows what is applied.';
const UNKNOWN =
  'It may still be running. "reactor db status" shows what is applied, "reactor logs --level error --since 5m" what failed.';

/** Where a server of any kind listens, until the test ends. */
async function listening(server: Server): Promise<string> {
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('db migrate', () => {
  test('without a folder has the server apply its own files', async () => {
    const { env, seen } = await server({ applied: ['001_todos', '002_tags'], pending: [] });
    expect(await run(['db', 'migrate'], { env, terminal: true })).toEqual({
      code: 0,
      stdout: 'applied 001_todos\napplied 002_tags\n2 applied\n',
      stderr: '',
    });
    expect(seen).toEqual([{ method: 'POST', path: '/data/v1/_admin/migrate', body: undefined }]);
    expect(JSON.parse((await run(['db', 'migrate'], { env })).stdout)).toEqual({
      ok: true,
      data: { applied: ['001_todos', '002_tags'], pending: [] },
    });
  });

  test('sends the files of a folder in the order of their names, whatever their line ends', async () => {
    const { env, seen } = await server({ applied: [], pending: [] });
    const directory = await files({ '2.sql': 'b\r\nb', '10.sql': 'a', '3.sql': '', '.x.sql': 'x', 'README.md': 'x' });
    const { code, stdout } = await run(['db', 'migrate', 'migrations'], { env, directory, terminal: true });
    expect([code, stdout]).toEqual([0, 'nothing to apply\n']);
    expect(seen[0]?.body).toEqual({
      migrations: [
        { name: '10', sql: 'a' },
        { name: '2', sql: 'b\nb' },
        { name: '3', sql: '' },
      ],
    });
  });

  test.each([
    ['002_b.sql', Buffer.from("SELECT 'é'", 'latin1'), 'byte 8 (0xE9) is not UTF-8; save the file as UTF-8'],
    ['002_b.sql', Buffer.from("SELECT '\uFFFD'"), undefined],
    ['002_b.sql', Buffer.from([0x27, 0xef, 0xbf, 0xbd, 0xff]), 'byte 4 (0xFF) is not UTF-8; save the file as UTF-8'],
    ['002_b.sql', Buffer.from('\uFEFFSELECT 1', 'utf16le'), 'byte 3 is NUL; save the file as UTF-8'],
    ['002_b.sql', Buffer.from('\uFEFFSELECT 1'), undefined],
    ['003_x.SQL', Buffer.from('SELECT 1'), 'the name must end in .sql, in lower case'],
  ])('reads %s with %s', async (name, content, problem) => {
    const { env, seen } = await server({ applied: [], pending: [] });
    const directory = await files({ [name]: content });
    const { code, stderr } = await run(['db', 'migrate', 'migrations'], { env, directory, terminal: true });
    expect([code, stderr]).toEqual(
      problem === undefined ? [0, ''] : [1, `error: ${join(directory, 'migrations', name)}: ${problem}\n`],
    );
    expect(seen).toHaveLength(problem === undefined ? 1 : 0);
    if (seen.length > 0) expect(JSON.stringify(seen)).not.toContain('\uFEFF');
  });

  test('names who holds a lock, and what a trial left out', async () => {
    const message = '002_b.sql:2: orders is locked by pid 29201 (psql, idle in transaction, 3 min).';
    const blocked = await server(...failure('migration_blocked', message, 503, { file: '002_b.sql', line: 2 }));
    const { stderr } = await run(['db', 'migrate'], { env: blocked.env, terminal: true });
    expect(stderr).toBe(`error: ${message}\n  → ${SEE_STATUS}\n`);

    const { env } = await server({ applied: [], pending: ['001', '002'], untried: ['002'] });
    const { stdout } = await run(['db', 'migrate', '--dry-run'], { env, terminal: true });
    expect(stdout).toBe(
      'would apply 001\nwould apply 002\n2 to apply\n' +
        'not tried: 002. The first runs without a transaction and could not be undone.\n',
    );
  });

  test('tells what would be better otherwise', async () => {
    const warnings = [{ file: '002.sql', line: 5, message: 'write (SELECT auth.user_id())' }];
    const { env } = await server({ applied: ['002'], pending: [], warnings });
    expect(await run(['db', 'migrate'], { env, terminal: true })).toEqual({
      code: 0,
      stdout: 'applied 002\n1 applied\n',
      stderr: 'warning: 002.sql:5: write (SELECT auth.user_id())\n',
    });
    expect(JSON.parse((await run(['db', 'migrate'], { env })).stdout).data).toEqual({
      applied: ['002'],
      pending: [],
      warnings,
    });
  });

  test('--dry-run tells what would be applied', async () => {
    const { env, seen } = await server({ applied: [], pending: ['001_todos'] });
    const { code, stdout } = await run(['db', 'migrate', '--dry-run'], { env, terminal: true });
    expect([code, stdout]).toEqual([0, 'would apply 001_todos\n1 to apply\n']);
    expect(seen[0]?.path).toBe('/data/v1/_admin/migrate?dry_run=true');
  });

  test('shows file and line of what failed, and that the files before it may be applied', async () => {
    const message = '002_b.sql:5: column "nothing" does not exist (SQLSTATE 42703)';
    const { env, seen } = await server(...failure('migration_failed', message, 400, { file: '002_b.sql', line: 5 }));
    const directory = await files({ '002_b.sql': 'x', '003_c.sql': 'x' });
    const ofFolder = () => run(['db', 'migrate', 'migrations'], { env, directory, terminal: true });
    const told = { code: 1, stdout: '', stderr: `error: ${message}\n  → ${SEE_STATUS}\n` };
    expect(await run(['db', 'migrate'], { env, terminal: true })).toEqual(told);
    expect(await ofFolder()).toEqual({ ...told, stderr: `error: ${message}\n` });
    await writeFile(join(directory, 'migrations', '002.sql'), 'x');
    expect(await ofFolder()).toEqual(told);
    const dry = await run(['db', 'migrate', '--dry-run', '-o', 'json'], { env });
    expect([dry.code, JSON.parse(dry.stderr)]).toEqual([1, { ok: false, error: { code: 'CLIENT_ERROR', message } }]);
    expect(seen).toHaveLength(4);
  });

  test.each([
    ['migration_changed', 409],
    ['migration_failed', 400],
    ['payload_too_large', 413],
    ['not_ready', 503],
    ['migrations_unreadable', 500],
  ])('has no hint that does not help: %s %i before anything runs', async (code, status) => {
    const { env } = await server(...failure(code, 'no', status));
    expect((await run(['db', 'migrate'], { env, terminal: true })).stderr).toBe('error: no\n');
  });

  test.each([['migrate'], ['migrate', '--dry-run']])(
    '%s %s says how, when the server has no folder',
    async (...how) => {
      const { env } = await server(...failure('invalid_request', 'The server has no data.migrations_dir.', 400));
      const { code, stderr } = await run(['db', ...how], { env });
      expect([code, JSON.parse(stderr).error.hint]).toEqual([1, 'reactor db migrate <folder>']);
      const directory = await files({ '1.sql': 'x' });
      expect((await run(['db', ...how, 'migrations'], { env, directory })).stderr).not.toContain('hint');
    },
  );

  test('is sent once, since it may have arrived, and says where its outcome is to be seen', async () => {
    const broken = await server(...failure('internal_error', 'it broke', 500));
    const { code, stderr } = await run(['db', 'migrate'], { env: broken.env });
    expect([code, broken.seen.length]).toEqual([5, 1]);
    expect(JSON.parse(stderr).error).toMatchObject({ message: 'it broke', hint: UNKNOWN });
    const request = { headers: { 'X-Request-Id': 'r-1' } };
    const known = await server(failure('internal_error', 'it broke', 500)[0], { status: 500, ...request });
    expect((await run(['db', 'migrate'], { env: known.env })).stderr).toContain(
      `reactor logs --request-id r-1 shows what happened. ${SEE_STATUS.replaceAll('"', '\\"')}`,
    );

    let asked = 0;
    const url = await answering(() => {
      asked++;
      return new Promise(() => {});
    });
    const late = await run(['db', 'migrate', '--url', url, '--timeout', '0.2']);
    expect([late.code, asked]).toEqual([6, 1]);
    expect(JSON.parse(late.stderr).error).toMatchObject({ code: 'TIMEOUT', hint: UNKNOWN });
    const dry = await run(['db', 'migrate', '--dry-run', '--url', url, '--timeout', '0.2']);
    expect(JSON.parse(dry.stderr).error.hint).toContain('--timeout waits longer');
  });

  test('does not know the outcome when the connection breaks, before the answer or in it', async () => {
    const before = await listening(
      createServer((request) => void request.resume().on('end', () => request.socket.destroy())),
    );
    const within = await listening(
      createServer((_request, response) => {
        response.writeHead(200, { 'Content-Length': '1000' });
        response.write('{"applied":', () => response.destroy());
      }),
    );
    for (const host of [before, within]) {
      const { code, stderr } = await run(['db', 'migrate', '--url', `http://${host}`]);
      expect([code, JSON.parse(stderr).error]).toEqual([
        6,
        expect.objectContaining({ code: 'NETWORK_ERROR', hint: UNKNOWN }),
      ]);
    }
  });

  test('knows that a request never left', async () => {
    const silent = await listening(createTcpServer((socket) => onTestFinished(() => void socket.destroy())));
    const plain = (await answering(() => new Response())).replace('http:', 'https:');
    for (const [url, code] of [
      [await nobody(), 'CONNECTION_REFUSED'],
      ['http://127.0.0.1:1', 'NETWORK_ERROR'], // a port that fetch does not connect to
      ['http://reactor.invalid', 'NETWORK_ERROR'],
      [plain, 'NETWORK_ERROR'],
      [`https://${silent}`, 'TIMEOUT'],
    ] as const) {
      const result = await run(['db', 'migrate', '--url', url, '--timeout', code === 'TIMEOUT' ? '0.2' : '30']);
      expect([result.code, JSON.parse(result.stderr).error.code]).toEqual([6, code]);
      expect(result.stderr).not.toMatch(/may still be running|db status/);
    }
    const stopping = new AbortController();
    const running = start(['db', 'migrate', '--url', `https://${silent}`, '-v'], { signal: stopping.signal });
    await expect.poll(running.stderr).toContain('POST');
    stopping.abort();
    expect(await running.exit).toBe(1);
    expect(running.stderr()).toContain('warning: stopped before anything was sent\n');
  });

  test('does not call it a success when the user does not wait', async () => {
    let asked = false;
    const url = await answering(() => {
      asked = true;
      return new Promise(() => {});
    });
    const stopping = new AbortController();
    const running = start(['db', 'migrate', '--url', url, '-v'], { signal: stopping.signal });
    await expect.poll(() => asked).toBe(true);
    stopping.abort();
    expect(await running.exit).toBe(1);
    expect(running.stderr()).toContain(`warning: not waited for. ${UNKNOWN}\n`);
  });

  test('names the folder or file that cannot be read, and asks nobody', async () => {
    const { env, seen } = await server({});
    const directory = await files({});
    await mkdir(join(directory, 'migrations', '1.sql'));
    await writeFile(join(directory, 'file'), '');
    for (const [path, said] of [
      ['none', 'none does not exist'],
      ['file', 'file is a file, and a folder is needed'],
      ['file/below', 'file/below does not exist'],
      ['x'.repeat(300), `${'x'.repeat(300)} cannot be read: ENAMETOOLONG`],
      ['migrations', 'migrations/1.sql cannot be read: EISDIR'],
    ] as const) {
      for (const command of ['migrate', 'status']) {
        const { code, stderr } = await run(['db', command, path], { env, directory });
        const error = { code: 'IO_ERROR', message: join(directory, said) };
        expect([code, JSON.parse(stderr).error]).toEqual([2, error]);
      }
    }
    expect(seen).toEqual([]);
  });

  test.each(['migrate', 'status'])('%s refuses a folder without migrations, and asks nobody', async (command) => {
    const { env, seen } = await server({ applied: [], pending: [], changed: [], unknown: [] });
    const directory = await files({ 'README.md': '' });
    expect(await run(['db', command, 'migrations'], { env, directory, terminal: true })).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: there are no *.sql files in ${join(directory, 'migrations')}\n`,
    });
    expect(seen).toEqual([]);
  });
});

describe('db status', () => {
  const applied = (...names: string[]) => names.map((name) => ({ name, applied_at: '2026-01-31T12:00:00.000Z' }));

  test('is content when everything is applied', async () => {
    const { env, seen } = await server({ applied: applied('001'), pending: [], changed: [], unknown: [] });
    const { code, stdout } = await run(['db', 'status'], { env, terminal: true });
    expect(stdout).toMatch(
      /^✔ 001 {2}applied 2026-0[12]-\d\d \d\d:00:00\n\n1 applied, 0 pending, 0 changed, 0 without a file\n$/,
    );
    expect(code).toBe(0);
    expect(seen).toEqual([{ method: 'GET', path: '/data/v1/_admin/migrations', body: undefined }]);
  });

  test('exits with 5 when something is pending or changed, not when a file is gone', async () => {
    const all = { applied: applied('001', '003'), pending: ['0010_long'], changed: ['003'], unknown: ['002'] };
    const { env } = await server(all);
    const { code, stdout } = await run(['db', 'status'], { env, terminal: true });
    expect(stdout.replace(/\d{4}-\S+ [\d:]+/g, '<time>')).toBe(
      [
        '✔ 001        applied <time>',
        '! 0010_long  pending',
        '! 002        applied, and not among the files of the server',
        '✖ 003        applied <time>, and changed since',
        '  → Put changed files back as they were, and write the change as a new migration.',
        '',
        '1 applied, 1 pending, 1 changed, 1 without a file',
        '',
      ].join('\n'),
    );
    expect(code).toBe(5);
    expect(JSON.parse((await run(['db', 'status'], { env })).stdout)).toEqual({ ok: false, data: all });

    for (const [body, expected] of [
      [{ ...all, pending: [] }, 5],
      [{ ...all, changed: [] }, 5],
      [{ ...all, pending: [], changed: [] }, 0],
    ] as const) {
      const other = await server(body);
      expect((await run(['db', 'status', '--json'], { env: other.env })).code).toBe(expected);
    }
  });

  test('says what would be refused, and how far a file came', async () => {
    const all = {
      ...{ applied: [], pending: ['1', '1.down', '2'], changed: [], unknown: [] },
      refused: [{ name: '1.down', reason: '1.down.sql:1: by its name\u001b' }],
      partial: [{ name: '2', ran: 2, statements: 3 }],
    };
    const { env } = await server(all);
    const { code, stdout } = await run(['db', 'status'], { env, terminal: true });
    expect(stdout).toBe(
      [
        '! 1       pending',
        '✖ 1.down  refused: 1.down.sql:1: by its name\\x1b',
        '! 2       pending, 2 of 3 statements ran',
        '  → Correct or remove refused files: until then none is applied.',
        '',
        '0 applied, 2 pending, 0 changed, 0 without a file, 1 refused',
        '',
      ].join('\n'),
    );
    expect(code).toBe(5);
    expect(JSON.parse((await run(['db', 'status'], { env })).stdout)).toEqual({ ok: false, data: all });
  });

  test('of a folder asks about its files', async () => {
    const { env, seen } = await server({ applied: [], pending: ['1'], changed: [], unknown: ['0'] });
    const directory = await files({ '1.sql': 'SELECT 1' });
    const { stdout } = await run(['db', 'status', 'migrations'], { env, directory, terminal: true });
    expect(stdout).toContain(`! 0  applied, and not among ${join(directory, 'migrations')}\n! 1  pending\n`);
    expect(seen).toEqual([
      { method: 'POST', path: '/data/v1/_admin/migrations', body: { migrations: [{ name: '1', sql: 'SELECT 1' }] } },
    ]);
  });

  test('is not moved by what a server puts into a name', async () => {
    const { env } = await server({ applied: [], pending: ['\u001b[2J'], changed: [], unknown: ['a\nb'] });
    const { stdout } = await run(['db', 'status'], { env, terminal: true });
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('a\\nb');
  });
});

describe('db expose', () => {
  test.each([
    ['reactor_authenticated EXECUTE', 'reactor_authenticated EXECUTE (needs a token)'],
    ['reactor_anon EXECUTE; reactor_authenticated EXECUTE', 'reactor_anon EXECUTE; reactor_authenticated EXECUTE'],
    ['PUBLIC EXECUTE', 'PUBLIC EXECUTE'],
    ['', 'nobody'],
  ])('says for whom it is open: %j', async (privileges, said) => {
    const one = { name: 'hello()', kind: 'function', privileges };
    const { env } = await server({ exposed: [one], already: [one], skipped: [] });
    const { code, stdout } = await run(['db', 'expose', 'hello'], { env, terminal: true });
    expect([code, stdout]).toEqual([
      0,
      `exposed function hello(): ${said}\nalready exposed: function hello(): ${said}\n1 exposed\n`,
    ]);
  });
});

describe('db types', () => {
  const SOURCE = 'export type Database = {};\n';
  const typescript = { headers: { 'Content-Type': 'text/typescript; charset=utf-8' } };

  test('prints the source, into a pipe too, and as JSON when that is asked for', async () => {
    const { env, seen } = await server(SOURCE, typescript);
    for (const terminal of [true, false]) {
      expect(await run(['db', 'types'], { env, terminal })).toEqual({ code: 0, stdout: SOURCE, stderr: '' });
    }
    expect(seen[0]).toEqual({ method: 'GET', path: '/data/v1/_admin/types/typescript', body: undefined });
    expect((await run(['db', 'types', '-o', 'text'], { env })).stdout).toBe(SOURCE);
    expect(JSON.parse((await run(['db', 'types', '--json'], { env })).stdout)).toEqual({ typescript: SOURCE });
    for (const asked of [
      ['db', 'types', '--output', 'json'],
      ['-o', 'json', 'db', 'types'],
    ]) {
      const { stdout } = await run(asked, { env });
      expect(JSON.parse(stdout)).toEqual({ ok: true, data: { typescript: SOURCE } });
    }
  });

  test('--output writes a file whole, and leaves one alone that is the same', async () => {
    const { env } = await server(SOURCE, typescript);
    const directory = await temporaryDirectory();
    const file = join(directory, 'database.types.ts');
    const write = (...flags: string[]) =>
      run(['db', 'types', '--output', 'database.types.ts', ...flags], { env, directory, terminal: true });
    expect(await write()).toEqual({ code: 0, stdout: `${file} written\n`, stderr: '' });
    const { ino, mtimeMs } = await stat(file);
    expect((await write()).stdout).toBe(`${file} is up to date\n`);
    expect(JSON.parse((await write('--json')).stdout)).toEqual({ file, changed: false });
    expect(await stat(file)).toMatchObject({ ino, mtimeMs });
    await writeFile(file, 'old');
    expect(JSON.parse((await write('--json')).stdout)).toEqual({ file, changed: true });
    expect(await readFile(file, 'utf8')).toBe(SOURCE);
    expect(await readdir(directory)).toEqual(['database.types.ts']);
  });

  test('leaves the file as it was when it cannot have the whole source', async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, 'types.ts'), 'old');
    await mkdir(join(directory, 'folder'));
    const breaking = createServer((_request, response) => {
      response.writeHead(200, { ...typescript.headers, 'Content-Length': '1000' });
      response.write('export type', () => response.destroy());
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void breaking.close());
    await once(breaking, 'listening');
    const broken = `http://127.0.0.1:${(breaking.address() as AddressInfo).port}`;
    const { env } = await server('<html>', { headers: { 'Content-Type': 'text/html' } });
    const good = await server(SOURCE, typescript);
    for (const [file, url, exit, code] of [
      ['types.ts', broken, 6, 'NETWORK_ERROR'],
      ['types.ts', env.REACTOR_URL, 5, 'SERVER_ERROR'],
      ['none/types.ts', good.url, 2, 'IO_ERROR'],
      ['folder', good.url, 2, 'IO_ERROR'],
    ] as const) {
      const result = await run(['db', 'types', '--output', file, '--url', url], { directory });
      expect([result.code, JSON.parse(result.stderr).error.code]).toEqual([exit, code]);
    }
    expect(await readFile(join(directory, 'types.ts'), 'utf8')).toBe('old');
    expect((await readdir(directory)).sort()).toEqual(['folder', 'types.ts']);
  });
});

describe('every db command', () => {
  const COMMANDS = [
    ['migrate'],
    ['migrate', '--dry-run'],
    ['migrate', 'migrations'],
    ['status'],
    ['status', 'migrations'],
    ['types'],
  ];

  test.each(COMMANDS)('%s %s says when data is not mounted', async (...command) => {
    const { env, url } = await server(...failure('not_found', 'Nothing is at /data/v1.', 404));
    const { code, stderr, stdout } = await run(['db', ...command], { env, directory: await files({ '1.sql': '' }) });
    expect([code, stdout]).toEqual([1, '']);
    expect(JSON.parse(stderr).error).toEqual({
      code: 'CLIENT_ERROR',
      message: `the server at ${url} has no data capability: [data] is not mounted`,
      hint: 'Add a section [data] to its Reactor.toml and start it again.',
    });
  });

  test.each(COMMANDS)('%s %s needs the right token', async (...command) => {
    const { env } = await server(...failure('invalid_token', 'The token is not valid.', 401));
    const { code, stderr } = await run(['db', ...command], { env, directory: await files({ '1.sql': '' }) });
    expect([code, JSON.parse(stderr).error.code]).toEqual([3, 'AUTH_FAILED']);
    expect(stderr).not.toContain('the-token');
  });

  test.each([['migrate'], ['status']])('%s refuses an answer that is none', async (command) => {
    for (const body of [null, {}, { applied: [1], pending: [], changed: [], unknown: [] }, 'text']) {
      const { env } = await server(body);
      const { code, stderr } = await run(['db', command], { env });
      expect([code, JSON.parse(stderr).error.code]).toEqual([5, 'SERVER_ERROR']);
    }
  });

  test.each([
    [['db'], 'reactor db --help'],
    [['--timeout', '1', 'db'], 'reactor db --help'],
    [['db', 'nope'], 'INVALID_ARGUMENT'],
    [['db', 'migrate', 'a', 'b'], 'INVALID_ARGUMENT'],
    [['db', 'status', '--dry-run'], 'INVALID_ARGUMENT'],
    [['db', 'status', '-o', 'status.txt'], 'there is no output format "status.txt"'],
    [['db', 'types', '--output'], 'MISSING_ARGUMENT'],
  ])('%j exits with 1', async (argv, said) => {
    const result = await run(argv, { env: { REACTOR_OUTPUT: 'json', REACTOR_URL: await nobody() } });
    expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(said) });
  });
});
