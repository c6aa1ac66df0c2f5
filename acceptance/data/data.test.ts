import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PostgrestClient } from '@supabase/postgrest-js';
import { expect, test } from 'vitest';
import { type Check, doctor, health, rootCauses, signUp } from '../support/client.js';
import { connectDatabase } from '../support/database.js';
import { accessLineOf, linesOf } from '../support/log.js';
import { writeMigrations } from '../support/migrations.js';
import { externalPostgres } from '../support/postgres.js';
import { projectDirectory, runServer, startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const TODOS = `
CREATE TABLE todos (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  owner_id uuid NOT NULL DEFAULT auth.user_id(),
  title text NOT NULL,
  done boolean NOT NULL DEFAULT false
);
policy mine on todos for all using (owner_id = auth.user_id()) check (owner_id = auth.user_id());
CREATE FUNCTION open_todos() RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT count(*) FROM todos WHERE NOT done);
`;

async function appServer(environment: Readonly<Record<string, string>> = {}, files = { '001_todos': TODOS }) {
  const directory = await projectDirectory();
  const migrations = await writeMigrations(directory, files);
  return startServer({ directory, environment: { ...migrations, ...environment } });
}

function clientOf(server: TestServer, token?: string): PostgrestClient {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return new PostgrestClient(`${server.url}/data/v1`, { headers });
}

/** An app's first day, as its users live it. */
async function firstDay(server: TestServer) {
  const [ada, bob] = [await signUp(server), await signUp(server)];
  const [adas, bobs, nobodys] = [
    clientOf(server, ada.access_token),
    clientOf(server, bob.access_token),
    clientOf(server),
  ];

  const made = await adas.from('todos').insert({ title: 'write' }).select().single();
  expect(made).toMatchObject({ status: 201, data: { title: 'write', done: false, owner_id: ada.user.id } });
  expect(await bobs.from('todos').insert({ title: 'steal', owner_id: ada.user.id })).toMatchObject({
    status: 403,
    error: { code: '42501' },
  });
  expect((await bobs.from('todos').select()).data).toEqual([]);
  expect((await nobodys.from('todos').select()).data).toEqual([]);
  expect((await nobodys.from('todos').insert({ title: 'x' })).status).toBe(401);
  expect((await bobs.from('todos').update({ done: true }).eq('title', 'write').select()).data).toEqual([]);
  expect((await adas.rpc('open_todos')).data).toBe(1);
  expect((await adas.from('todos').update({ done: true }).eq('title', 'write').select('done')).data).toEqual([
    { done: true },
  ]);
  expect(await adas.from('todos').delete().eq('done', true)).toMatchObject({ status: 204, error: null });
  expect((await adas.from('todos').select('*', { count: 'exact' })).count).toBe(0);
}

test('tables of the app, from a migration to its users, with the real client', async () => {
  const server = await appServer();
  await firstDay(server);
  expect(rootCauses((await doctor(server)).body)).toEqual([]);
});

test('the same on an external PostgreSQL, by a login without superuser', async () => {
  const postgres = await externalPostgres();
  await postgres.sql("CREATE ROLE app LOGIN CREATEROLE PASSWORD 'of the app'; ");
  await postgres.sql('CREATE DATABASE app OWNER app');
  const url = postgres.urlFor('app', encodeURIComponent('of the app'), 'app');
  const server = await appServer({ REACTOR_DATABASE__URL: url });
  await firstDay(server);
  expect(rootCauses((await doctor(server)).body)).toEqual([]);
});

test('what one server migrates, the other serves, also to requests under way', async () => {
  const postgres = await externalPostgres();
  const environment = {
    REACTOR_DATABASE__URL: postgres.url,
    REACTOR_AUTH__SECRET: 'the-same-secret-on-both-servers-0123',
  };
  const [first, second] = [await appServer(environment), await appServer(environment)];
  const client = clientOf(second, (await signUp(first)).access_token);
  expect(await client.from('todos').insert({ title: 'a' })).toMatchObject({ status: 201 });
  let isMigrated = false;
  const statuses = new Set<number>();
  const reader = (async () => {
    while (!isMigrated) statuses.add((await client.from('todos').select()).status);
  })();
  await writeMigrations(first.directory, { '002_due': 'ALTER TABLE todos ADD COLUMN due date;' });
  expect(await (await first.admin('/_admin/migrate', { method: 'POST' })).json()).toEqual({
    applied: [{ owner: 'app', id: '002_due' }],
    pending: [],
  });
  const seen = await client.from('todos').insert({ title: 'b', due: '2027-01-31' }).select('due').single();
  expect(seen.data).toEqual({ due: '2027-01-31' });
  isMigrated = true;
  await reader;
  expect([...statuses]).toEqual([200]);
});

test('/_admin/migrate applies, and with dry_run only tries; doctor tells what is pending', async () => {
  const server = await appServer();
  const migrate = async (search = '') => {
    const response = await server.admin(`/_admin/migrate${search}`, { method: 'POST' });
    return { status: response.status, body: (await response.json()) as unknown };
  };
  expect(await migrate()).toEqual({ status: 200, body: { applied: [], pending: [] } });

  await writeMigrations(server.directory, { '002_bad': 'ALTER TABLE todos ADD COLUMN due date;\nDROP TABLE nothing;' });
  const refusal = {
    status: 400,
    body: { error: { code: 'migration_failed', message: expect.stringContaining('002_bad.sql:2: table "nothing"') } },
  };
  expect(await migrate('?dry_run')).toMatchObject(refusal);
  expect(await migrate()).toMatchObject(refusal);

  const failed = await until('the line of the failure', async () =>
    linesOf(server).find(({ fields }) => fields.message === 'app migration failed'),
  );
  expect(failed).toMatchObject({
    level: 'ERROR',
    fields: { migration: '002_bad', reason: expect.stringContaining('002_bad.sql:2') },
  });

  await writeMigrations(server.directory, { '002_bad': 'ALTER TABLE todos ADD COLUMN due date;' });
  const pending = [{ owner: 'app', id: '002_bad' }];
  expect(await migrate('?dry_run=true')).toEqual({ status: 200, body: { applied: [], pending } });
  const report = (await doctor(server)).body;
  expect(rootCauses(report)).toEqual(['data.migrations']);
  expect(checkOf(report.data?.checks, 'migrations')?.message).toContain('002_bad');
  expect((await health(server)).status).toBe(200);
  expect(await migrate()).toEqual({ status: 200, body: { applied: pending, pending: [] } });
  expect(rootCauses((await doctor(server)).body)).toEqual([]);

  await writeMigrations(server.directory, { '001_todos': `${TODOS}-- touched` });
  expect(await migrate()).toMatchObject({ status: 409, body: { error: { code: 'migration_changed' } } });
  expect(rootCauses((await doctor(server)).body)).toEqual(['data.migrations']);
  expect(await migrate('?dry_run=perhaps')).toMatchObject({
    status: 400,
    body: { error: { code: 'invalid_request' } },
  });
  const asUser = await fetch(`${server.url}/_admin/migrate`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${(await signUp(server)).access_token}` },
  });
  expect(asUser.status).toBe(401);
});

test('a migration that fails ends the start with 1, its file and line; a folder that is not there with 2', async () => {
  const server = await appServer();
  expect(await server.end('SIGTERM')).toBe(0);
  const { directory } = server;
  const environment = await writeMigrations(directory, { '002_bad': '\nCREATE TABLE todos ();' });
  const start = () => runServer(directory, ['--bind', '127.0.0.1:0'], environment);
  const failed = await start();
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('002_bad.sql:2: relation "todos" already exists');

  const command = await runServer(directory, ['migrate'], environment);
  expect(command).toMatchObject({ code: 1, stderr: expect.stringContaining('002_bad.sql:2') });
  await writeMigrations(directory, { '002_bad': 'CREATE TABLE more ();' });
  expect(await runServer(directory, ['migrate'], environment)).toMatchObject({
    code: 0,
    stdout: 'applied app 002_bad\n1 applied\n',
  });
  await rm(path.join(directory, 'migrations'), { recursive: true });
  const missing = await start();
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain('data.migrations_dir');
});

test('a migration may take longer than other requests', async () => {
  const server = await appServer({ REACTOR_SERVER__REQUEST_TIMEOUT_SECS: '0.5' });
  const migrations = [{ name: '002_slow', sql: 'SELECT pg_sleep(1.5)' }];
  const answer = await server.admin('/data/v1/_admin/migrate', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ migrations }),
  });
  expect(await answer.json()).toEqual({ applied: ['002_slow'], pending: [] });
});

test('a role that is lost is nobody else’s fault while the server runs, and made good at the next start', async () => {
  const postgres = await externalPostgres();
  const server = await appServer({ REACTOR_DATABASE__URL: postgres.url, REACTOR_AUTH__SECRET: 'x'.repeat(32) });
  expect((await clientOf(server).from('todos').select()).status).toBe(200);
  await postgres.sql('DROP OWNED BY reactor_anon; DROP ROLE reactor_anon');
  expect((await clientOf(server).from('todos').select()).status).toBe(500);
  const scrape = await (await fetch(`${server.url}/metrics`)).text();
  expect(scrape).toContain('reactor_data_operations_total{operation="select",result="failed"} 1\n');
  await until('a line about it', async () => linesOf(server).find(({ level }) => level === 'ERROR'));
  const report = (await doctor(server)).body;
  expect(rootCauses(report)).toEqual(['data.roles']);
  expect(checkOf(report.data?.checks, 'roles')?.remedy).toContain('CALL reactor_data.prepare_role');

  expect(await server.end('SIGTERM')).toBe(0);
  const again = await appServer({ REACTOR_DATABASE__URL: postgres.url, REACTOR_AUTH__SECRET: 'x'.repeat(32) });
  expect(await clientOf(again).from('todos').select()).toMatchObject({ status: 200, data: [] });
  expect(rootCauses((await doctor(again)).body)).toEqual([]);
});

test('a table without row-level security is refused, and doctor names it', async () => {
  const server = await appServer();
  const { client } = await connectDatabase(server);
  await client.query('CREATE TABLE secrets (id int)');
  const token = (await signUp(server)).access_token;
  const refused = await until('the table to be known', async () => {
    const answer = await clientOf(server, token).from('secrets').select();
    return answer.status === 403 ? answer : undefined;
  });
  expect(refused.error?.code).toBe('42501');
  const { data } = (await doctor(server)).body;
  expect(checkOf(data?.checks, 'rls')).toMatchObject({ status: 'warn', message: expect.stringContaining('secrets') });
});

test('signals: operations by verb, access lines with the user, and one scrape that grows by what happened', async () => {
  const server = await appServer();
  const { user, access_token } = await signUp(server);
  const response = await fetch(`${server.url}/data/v1/todos`, { headers: { Authorization: `Bearer ${access_token}` } });
  const line = await accessLineOf(server, response.headers.get('X-Request-Id') as string);
  expect(line).toMatchObject({ target: 'reactor_data', fields: { path: '/data/v1/todos', status: 200, sub: user.id } });
  await clientOf(server, access_token).from('todos').insert({ title: 'x', owner_id: crypto.randomUUID() });
  const scrape = (await (await fetch(`${server.url}/metrics`)).text()).split('\n');
  for (const sample of [
    'reactor_data_operations_total{operation="select",result="ok"} 1',
    'reactor_data_operations_total{operation="insert",result="rejected"} 1',
    'reactor_data_refusals_total{by="policy"} 1',
    'reactor_http_request_duration_seconds_count{capability="data",route="/data/v1/:table"} 2',
  ]) {
    expect(scrape).toContain(sample);
  }
});

test('a page of another origin may use it, and read what it needs of the answer', async () => {
  const directory = await projectDirectory();
  const origin = 'https://app.example.com';
  await writeFile(
    path.join(directory, 'Reactor.toml'),
    `[project]\nenv = "dev"\n[server]\ncors = { allow_origins = ["${origin}"] }\n[auth]\n[data]\n`,
  );
  const server = await startServer({ directory });
  const asked = 'authorization,content-type,prefer,range,x-client-info,accept-profile,content-profile';
  const preflight = await fetch(`${server.url}/data/v1/todos`, {
    method: 'OPTIONS',
    headers: { Origin: origin, 'Access-Control-Request-Method': 'PATCH', 'Access-Control-Request-Headers': asked },
  });
  expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe(origin);
  expect(preflight.headers.get('Access-Control-Allow-Methods')).toContain('PATCH');
  expect(preflight.headers.get('Access-Control-Allow-Headers')).toBe(asked);
  const answer = await fetch(`${server.url}/data/v1/todos`, { headers: { Origin: origin } });
  const exposed = answer.headers.get('Access-Control-Expose-Headers') ?? '';
  for (const name of ['Content-Range', 'X-Affected-Rows', 'Location', 'Preference-Applied'])
    expect(exposed).toContain(name);
});

function checkOf(checks: readonly Check[] | undefined, name: string): Check | undefined {
  return checks?.find((check) => check.name === name);
}
