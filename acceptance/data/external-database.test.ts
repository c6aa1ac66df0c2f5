import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { type Check, createBucket, doctor, health, putObject, signUp } from '../support/client.js';
import { linesOf } from '../support/log.js';
import { writeMigrations } from '../support/migrations.js';
import { externalPostgres } from '../support/postgres.js';
import { processesOf } from '../support/processes.js';
import { projectDirectory, runServer, startServer, type TestServer } from '../support/server.js';
import { until } from '../support/until.js';

const PASSWORD = 'hunter2-of-the-database';

test('a login without superuser: everything works, no child process runs, and no password shows', async () => {
  const postgres = await externalPostgres();
  await postgres.sql(`CREATE ROLE app LOGIN CREATEROLE PASSWORD '${PASSWORD}'`);
  await postgres.sql('CREATE DATABASE app OWNER app');
  const environment = { REACTOR_DATABASE__URL: postgres.urlFor('app', PASSWORD, 'app') };
  const server = await startServer({ environment });
  const person = await signUp(server);
  await createBucket(server, 'external');
  expect((await putObject(server, person.access_token, 'external/a', 'x')).status).toBe(200);
  expect((await processesOf(server.stateDirectory)).filter(({ command }) => command.includes('postgres -D'))).toEqual(
    [],
  );
  const report = await (await server.admin('/_admin/doctor')).text();
  expect(server.stdout() + server.stderr() + report).not.toContain(PASSWORD);
  expect(await requestsLogin(server)).toMatchObject({ status: 'ok' });
  expect(server.stderr()).toContain('app');
});

test("a start looks at the app's migrations once", async () => {
  const postgres = await externalPostgres();
  const directory = await projectDirectory();
  const migrations = await writeMigrations(directory, { '001_notes': 'CREATE TABLE notes (id int PRIMARY KEY)' });
  const environment = { ...migrations, REACTOR_DATABASE__URL: postgres.url };
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  onTestFinished(() => client.end());
  const readings = async () => {
    const { rows } = await client.query<{ count: number }>(
      `SELECT (seq_scan + coalesce(idx_scan, 0))::int AS count FROM pg_stat_user_tables
       WHERE schemaname = 'reactor_data' AND relname = 'app_migrations'`,
    );
    return rows[0]?.count ?? 0;
  };
  // Counted when the sessions end, with the server.
  await (await startServer({ directory, environment })).end('SIGTERM');
  const before = await readings();
  await (await startServer({ directory, environment })).end('SIGTERM');
  expect((await readings()) - before).toBe(1);
});

test('without CREATEROLE the start fails with the statements an administrator has to run', async () => {
  const postgres = await externalPostgres();
  await postgres.sql(`CREATE ROLE app LOGIN PASSWORD '${PASSWORD}'`);
  await postgres.sql('CREATE DATABASE app OWNER app');
  const directory = await projectDirectory();
  const environment = { REACTOR_DATABASE__URL: postgres.urlFor('app', PASSWORD, 'app') };
  const { code, stderr } = await runServer(directory, ['--bind', '127.0.0.1:0'], environment);
  expect(code).toBe(5);
  const statements = stderr.match(/^(?:CREATE|GRANT) [^;]+;$/gm) ?? [];
  expect(statements).toEqual([
    'CREATE ROLE reactor_anon NOLOGIN NOINHERIT;',
    'CREATE ROLE reactor_authenticated NOLOGIN NOINHERIT;',
    'GRANT reactor_anon TO app;',
    'GRANT reactor_authenticated TO app;',
  ]);
  expect(stderr).not.toContain(PASSWORD);
  await postgres.sql(statements.join('\n'));
  const server = await startServer({ directory, environment });
  const login = await requestsLogin(server);
  expect(login).toMatchObject({ status: 'warn', message: expect.stringContaining('permission denied to create role') });

  // What the doctor says helps.
  const [made = ''] = /CREATE ROLE .* TO \w+;/.exec(login?.remedy ?? '') ?? [];
  await postgres.sql(made.replace('…', 'of-requests'), 'app');
  const [, name = ''] = /CREATE ROLE (\w+)/.exec(made) ?? [];
  await server.end('SIGTERM');
  const again = await startServer({
    directory,
    environment: { ...environment, REACTOR_DATABASE__REQUESTS_URL: postgres.urlFor(name, 'of-requests', 'app') },
  });
  expect(await requestsLogin(again)).toMatchObject({ status: 'ok', message: expect.stringContaining(name) });
});

async function requestsLogin(server: TestServer): Promise<Check | undefined> {
  const { body } = await doctor(server);
  return body.server?.checks.find(({ name }) => name === 'requests_login');
}

test('two servers that start at once on one database migrate it once', async () => {
  const postgres = await externalPostgres();
  const environment = {
    REACTOR_DATABASE__URL: postgres.url,
    REACTOR_AUTH__SECRET: 'the-same-secret-on-both-servers-0123',
    REACTOR_FUNCTIONS__SECRET: 'another-secret-on-both-servers-01234',
  };
  const servers = await Promise.all([startServer({ environment }), startServer({ environment })]);
  const applied = servers
    .flatMap(linesOf)
    .filter(({ fields }) => fields.message === 'migration applied')
    .map(({ fields }) => `${fields.owner}/${fields.id}`);
  expect(applied.length).toBeGreaterThan(0);
  expect(new Set(applied).size).toBe(applied.length);
  const person = await signUp(servers[0] as (typeof servers)[0]);
  const seen = await fetch(`${servers[1]?.url}/auth/v1/user`, {
    headers: { Authorization: `Bearer ${person.access_token}` },
  });
  expect(seen.status).toBe(200);
});

test('after a restart of the database the server works again by itself', async () => {
  const postgres = await externalPostgres();
  const server = await startServer({ environment: { REACTOR_DATABASE__URL: postgres.url } });
  postgres.control('-m', 'fast', 'stop');
  const down = await until('health to fail', async () => {
    const answer = await health(server);
    expect(answer.tookMs).toBeLessThan(1000);
    return answer.status === 503 ? answer : undefined;
  });
  expect(down.body.failing).toEqual(['auth', 'data', 'storage', 'functions']);
  expect(
    (
      await fetch(`${server.url}/auth/v1/login`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{"email":"a@example.com","password":"correct horse"}',
      })
    ).status,
  ).toBe(503);
  postgres.control('start');
  await until('health to be ok', async () => ((await health(server)).status === 200 ? true : undefined));
  await signUp(server);
});
