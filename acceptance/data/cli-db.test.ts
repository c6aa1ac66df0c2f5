import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { writeMigrations } from '../support/migrations.js';
import { externalPostgres } from '../support/postgres.js';
import { type Ran, reactor } from '../support/reactor.js';
import { startServer, type TestServer } from '../support/server.js';

const db = (server: TestServer, ...args: string[]): Promise<Ran> => reactor(server, 'db', ...args);

const TODOS = 'CREATE TABLE todos (id int PRIMARY KEY, title text NOT NULL);\n';

test('migrations of a folder: status, dry run, migrate, a changed file, a failing one', async () => {
  const server = await startServer();
  await writeMigrations(server.directory, { '001_todos': TODOS, '002_done': 'ALTER TABLE todos ADD done boolean;' });
  expect(await db(server, 'status', 'migrations')).toMatchObject({
    code: 5,
    stdout: '! 001_todos  pending\n! 002_done   pending\n\n0 applied, 2 pending, 0 changed, 0 without a file\n',
  });
  const dry = await db(server, 'migrate', 'migrations', '--dry-run');
  expect(dry).toEqual({ code: 0, stdout: 'would apply 001_todos\nwould apply 002_done\n2 to apply\n', stderr: '' });
  const migrated = await db(server, 'migrate', 'migrations');
  expect(migrated).toEqual({ code: 0, stdout: 'applied 001_todos\napplied 002_done\n2 applied\n', stderr: '' });
  expect((await db(server, 'migrate', 'migrations')).stdout).toBe('nothing to apply\n');
  expect(await db(server, 'status', 'migrations')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^✔ 001_todos {2}applied /),
  });

  await writeMigrations(server.directory, {
    '001_todos': `${TODOS}-- more`,
    '003_bad': 'SELECT 1;\n\nSELECT nothing;',
  });
  expect(await db(server, 'status', 'migrations')).toMatchObject({
    code: 5,
    stdout: expect.stringMatching(/✖ 001_todos .* changed since/),
  });
  expect(await db(server, 'migrate', 'migrations')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/001_todos/),
  });
  // The same text as a checkout on Windows has it.
  await writeMigrations(server.directory, { '001_todos': TODOS.replace('\n', '\r\n') });
  const failed = await db(server, 'migrate', 'migrations');
  expect(failed).toMatchObject({ code: 1, stdout: '' });
  expect(failed.stderr).toMatch(
    /^error: 003_bad\.sql:3: column "nothing" does not exist .*\n {2}→ "reactor db status"/,
  );
});

test('what helps after a refusal, and no more', async () => {
  const server = await startServer();
  await writeMigrations(server.directory, { '001_bad': 'SELECT nothing;' });
  const first = await db(server, 'migrate', 'migrations');
  expect(first).toMatchObject({ code: 1, stderr: expect.stringMatching(/^error: 001_bad\.sql:1: .*\n$/) });
  for (const args of [['migrate'], ['migrate', '--dry-run']]) {
    const { code, stderr } = await db(server, ...args);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/no data\.migrations_dir.*\n {2}→ reactor db migrate <folder>\n$/),
    ]);
  }
  // A deployment with the wrong folder must not go on.
  for (const command of ['migrate', 'status']) {
    expect(await db(server, command, '.')).toEqual({
      code: 1,
      stdout: '',
      stderr: `error: there are no *.sql files in ${server.directory}\n`,
    });
  }
});

test('the variable that has the admin token, where it is not set', async () => {
  const config = '[project]\nenv = "dev"\n[admin]\ntoken = "env:OPS_TOKEN"\n[auth]\n[data]\n';
  const OPS_TOKEN = 'a-token-of-the-operator-0123456789abcdef';
  const server = await startServer({ config, environment: { OPS_TOKEN, REACTOR_ADMIN__TOKEN: OPS_TOKEN } });
  const { code, stderr } = await db(server, 'status');
  expect([code, stderr]).toEqual([
    3,
    expect.stringMatching(/\n {2}→ Set OPS_TOKEN, which is admin\.token in .*Reactor\.toml, or/),
  ]);
});

test("the server's own migrations, applied while it runs", async () => {
  const server = await startServer({ environment: { REACTOR_DATA__MIGRATIONS_DIR: '.' } });
  expect((await db(server, 'migrate')).stdout).toBe('nothing to apply\n');
  await writeFile(path.join(server.directory, '001_todos.sql'), TODOS);
  expect(await db(server, 'status')).toMatchObject({
    code: 5,
    stdout: expect.stringMatching(/^! 001_todos {2}pending\n/),
  });
  expect((await db(server, 'migrate')).stdout).toBe('applied 001_todos\n1 applied\n');
  expect(await db(server, 'status')).toMatchObject({ code: 0 });
});

test('types of the tables, into a file that changes only with them', async () => {
  const server = await startServer();
  const file = path.join(server.directory, 'database.types.ts');
  const types = () => db(server, 'types', '--output', 'database.types.ts');
  await writeMigrations(server.directory, { '001_todos': TODOS });
  await db(server, 'migrate', 'migrations');
  expect(await db(server, 'types')).toEqual({ code: 0, stdout: expect.stringContaining('      todos: {'), stderr: '' });
  expect(await types()).toEqual({ code: 0, stdout: `${file} written\n`, stderr: '' });
  const { mtimeMs } = await stat(file);
  expect((await types()).stdout).toBe(`${file} is up to date\n`);
  expect((await stat(file)).mtimeMs).toBe(mtimeMs);
  await writeMigrations(server.directory, { '002_done': 'ALTER TABLE todos ADD done boolean;' });
  await db(server, 'migrate', 'migrations');
  expect((await types()).stdout).toBe(`${file} written\n`);
  expect(await readFile(file, 'utf8')).toContain('done: boolean | null;');
});

test('tables that are older than Reactor are opened by name, or all at once', async () => {
  const postgres = await externalPostgres();
  await postgres.sql(`
    CREATE TABLE orders (id int); ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
    CREATE TABLE logs (id int);
    CREATE FUNCTION total() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
  const server = await startServer({ environment: { REACTOR_DATABASE__URL: postgres.url } });
  const rights = 'reactor_anon SELECT; reactor_authenticated INSERT, SELECT, UPDATE, DELETE';
  expect(await db(server, 'expose', 'orders')).toEqual({
    code: 0,
    stdout: `exposed table orders: ${rights}\n1 exposed\n`,
    stderr: '',
  });
  expect(await db(server, 'expose', 'orders')).toMatchObject({
    code: 0,
    stdout: `already exposed: table orders: ${rights}\n0 exposed\n`,
  });
  const skipped = 'skipped table logs: row-level security is off: ALTER TABLE public.logs ENABLE ROW LEVEL SECURITY\n';
  expect(await db(server, 'expose', 'logs')).toMatchObject({ code: 1, stdout: `${skipped}0 exposed\n` });
  expect(await db(server, 'expose', '--all')).toMatchObject({
    code: 0,
    stdout: `exposed function total(): reactor_authenticated EXECUTE (needs a token)\n${skipped}1 exposed\n`,
  });
  await postgres.sql('ALTER TABLE logs ENABLE ROW LEVEL SECURITY');
  expect((await db(server, 'expose', '--all')).stdout).toBe(`exposed table logs: ${rights}\n1 exposed\n`);
  expect((await db(server, 'expose', '--all')).stdout).toBe('nothing to expose\n');
  for (const [args, message] of [
    [[], 'error: nothing to expose'],
    [['--all', 'orders'], 'error: --all and names exclude each other'],
    [['nowhere'], 'error: There is no table, view or function of the schema public called "nowhere".'],
  ] as const) {
    const { code, stderr } = await db(server, 'expose', ...args);
    expect([code, stderr.split('\n')[0]]).toEqual([1, message]);
  }
});

test('a server without data says so', async () => {
  const server = await startServer({ config: '[project]\nenv = "dev"\n[auth]\n[storage]\n' });
  await writeMigrations(server.directory, { '001_todos': TODOS });
  for (const args of [['migrate'], ['status'], ['types'], ['status', 'migrations'], ['expose', '--all']]) {
    const { code, stdout, stderr } = await db(server, ...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('has no data capability: [data] is not mounted\n  → Add a section [data]');
  }
});
