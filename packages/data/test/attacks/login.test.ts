import { randomBytes } from 'node:crypto';
import { type Queryable, REQUEST_ROLES, silentLogger, systemClock } from '@reactor/core';
import { loadMigrations } from '@reactor/core/node';
import { openDatabase, openDatabases } from '@reactor/postgres';
import { ALICE, createTestDatabase } from '@reactor/testing';
import { Hono } from 'hono';
import { expect, onTestFinished, test } from 'vitest';
import { createData, parseDataConfig } from '../../src/index.js';
import { jsonBody } from '../support/data.js';
import { testTokens } from '../support/tokens.js';

const SCHEMA = `
  CREATE SCHEMA reactor_auth;
  CREATE TABLE reactor_auth.users (id uuid, email text);
  INSERT INTO reactor_auth.users VALUES ('${ALICE}', 'alice@example.com');
  CREATE TABLE notes (id int PRIMARY KEY, text text);
  ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
  INSERT INTO notes VALUES (1, 'hidden');
  CREATE TABLE letters (owner_id uuid, text text);
  ALTER TABLE letters ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON letters USING (owner_id = auth.user_id());
  INSERT INTO letters VALUES ('${ALICE}', 'to Alice');
  CREATE FUNCTION run(command text) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE answer text;
    BEGIN EXECUTE command INTO answer; RETURN answer; END $$;
  CREATE FUNCTION run_as_nobody(command text) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE answer text;
    BEGIN RESET ROLE; EXECUTE command INTO answer; RETURN answer; END $$;
  GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO reactor_anon, reactor_authenticated;
`;

/** What somebody tries who gets to write dynamic SQL; each must be refused with SQLSTATE 42501. */
const REFUSED: readonly string[] = [
  'SELECT email FROM reactor_auth.users',
  'SELECT name FROM reactor_data.app_migrations',
  'SELECT rolpassword FROM pg_authid LIMIT 1',
  'SELECT usename FROM pg_shadow LIMIT 1',
  'SET ROLE postgres',
  'SET SESSION AUTHORIZATION postgres',
  `SELECT pg_read_file('/etc/passwd')`,
  `SELECT lo_import('/etc/passwd')`,
  `SELECT pg_ls_dir('/')::text LIMIT 1`,
  `COPY (SELECT 1) TO PROGRAM 'true'`,
  `COPY (SELECT 1) TO '/tmp/reactor-attack'`,
  'CREATE ROLE intruder SUPERUSER',
  'ALTER ROLE reactor_anon SUPERUSER',
  'GRANT pg_read_all_data TO reactor_anon',
  'CREATE SCHEMA intruder',
  'CREATE TABLE public.intruder (id int)',
  'CREATE EXTENSION file_fdw',
  'DROP TABLE public.notes',
  'ALTER TABLE public.notes DISABLE ROW LEVEL SECURITY',
  'TRUNCATE public.notes',
  'CREATE POLICY open ON public.notes USING (true)',
  'CREATE EVENT TRIGGER intruder ON ddl_command_end EXECUTE FUNCTION reactor_data.notify_schema_change()',
  `LOAD 'auto_explain'`,
  'SELECT pg_reload_conf()::text',
  `SET log_statement = 'all'`,
];

/** Whose login `[database] url` has, and who has made the one for requests. */
const CONFIGURED = {
  superuser: '',
  'a login with CREATEROLE': 'CREATEROLE',
  'a plain login, the rest made by an administrator': 'NOCREATEROLE',
} as const;
type Configured = keyof typeof CONFIGURED;
const KINDS = Object.keys(CONFIGURED) as readonly Configured[];

async function setUp(kind: Configured) {
  const { database: admin, connectionString: adminUrl } = await createTestDatabase();
  const suffix = randomBytes(4).toString('hex');
  const configured = kind === 'superuser' ? undefined : await makeLogin(admin, `app_${suffix}`, CONFIGURED[kind]);
  const url = configured === undefined ? adminUrl : asLogin(adminUrl, configured);
  const context = { logger: silentLogger, clock: systemClock };
  const own = openDatabase({ connectionString: url, ...context });
  for (const migration of loadMigrations(new URL('../../migrations/', import.meta.url))) {
    await own.query(migration.sql);
  }
  await own.query(SCHEMA);
  await own.close();

  const requests =
    CONFIGURED[kind] === 'NOCREATEROLE' ? await makeRequestsLogin(admin, `requests_${suffix}`) : undefined;
  const databases = openDatabases({
    connectionString: url,
    requestsConnectionString: requests && asLogin(adminUrl, requests),
    isEmbedded: false,
    poolMax: 6,
    ...context,
  });
  let login = '';
  onTestFinished(async () => {
    await databases.close();
    for (const role of [login, configured])
      if (role) await admin.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  });
  const data = createData(parseDataConfig({}), {
    ...context,
    database: databases,
    requests: databases.requests,
    tokens: testTokens,
  });
  onTestFinished(() => data.stop(AbortSignal.timeout(1_000)));
  await data.start();
  const { rows } = await databases.requests.query<{ login: string }>('SELECT session_user::text AS login');
  login = rows[0]?.login ?? '';
  const app = new Hono().route(data.basePath, data.routes);
  const call = async (name: string, command: string, token?: string) => {
    const init = jsonBody({ command }, token === undefined ? {} : { Authorization: `Bearer ${token}` });
    const answer = await app.request(`/data/v1/rpc/${name}`, { ...init, method: 'POST' });
    return { status: answer.status, body: await answer.json() };
  };
  return { admin, call, login };
}

/** What a login needs that is no superuser, as docs/self-hosting.md lists it. */
async function makeLogin(admin: Queryable, name: string, attribute: string): Promise<string> {
  const roles = REQUEST_ROLES.join(', ');
  for (const role of REQUEST_ROLES) {
    // Of the whole server: another file may be making it.
    await admin.query(
      `DO $$ BEGIN CREATE ROLE ${role} NOLOGIN NOINHERIT; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
    );
  }
  await admin.query(
    `CREATE ROLE ${name} LOGIN ${attribute} PASSWORD '${name}'; GRANT ${roles} TO ${name} WITH ADMIN OPTION`,
  );
  await admin.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${name}`);
  await admin.query(`DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO ${name}', current_database()); END $$`);
  return name;
}

/** As doctor's remedy says. */
async function makeRequestsLogin(admin: Queryable, name: string): Promise<string> {
  await admin.query(`CREATE ROLE ${name} LOGIN NOINHERIT PASSWORD '${name}'; GRANT ${REQUEST_ROLES.join(', ')} TO ${name};
    GRANT USAGE ON SCHEMA auth TO ${name}`);
  return name;
}

function asLogin(url: string, name: string): string {
  return url.replace(/\/\/[^@/]*@/, `//${name}:${name}@`);
}

test.each(KINDS)('%s: who leaves the role of a request finds a login that may do nothing', async (kind) => {
  const { admin, call, login } = await setUp(kind);
  expect(await call('run_as_nobody', 'SELECT current_user', 'alice')).toEqual({ status: 200, body: login });
  const got: Record<string, string> = {};
  // An administrator keeps the password elsewhere.
  const kept = CONFIGURED[kind] === 'NOCREATEROLE' ? [] : ['SELECT password FROM reactor.requests_login'];
  for (const command of [...REFUSED, ...kept]) {
    for (const name of ['run', 'run_as_nobody']) {
      for (const token of ['alice', undefined]) {
        const { status, body } = await call(name, command, token);
        got[`${name} as ${token ?? 'nobody'}: ${command}`] = `${status} ${body?.code}`;
      }
    }
  }
  const expected = Object.fromEntries(
    Object.keys(got).map((key) => [key, key.includes(' as nobody:') ? '401 42501' : '403 42501']),
  );
  expect(got).toEqual(expected);
  // Nothing of it stayed.
  const { rows } = await admin.query(
    `SELECT (SELECT count(*)::int FROM notes) AS notes, (SELECT relrowsecurity FROM pg_class WHERE relname = 'notes') AS rls,
       (SELECT count(*)::int FROM pg_roles WHERE rolname = 'intruder') AS intruders`,
  );
  expect(rows).toEqual([{ notes: 1, rls: true, intruders: 0 }]);
});

test.each(KINDS)('%s: rows stay hidden however the caller turns', async (kind) => {
  const { call } = await setUp(kind);
  const count = 'SELECT count(*) FROM public.notes';
  expect(await call('run', count, 'alice')).toEqual({ status: 200, body: '0' });
  // The login has no privilege on the table at all.
  expect((await call('run_as_nobody', count, 'alice')).body).toMatchObject({ code: '42501' });
  expect(await call('run', `SET LOCAL row_security = off; ${count}`, 'alice')).toMatchObject({
    body: { code: '42501' },
  });
  // The next one on the connection is who it is.
  expect(await call('run', 'SELECT current_user', undefined)).toEqual({ status: 200, body: 'reactor_anon' });
  expect(await call('run', 'SELECT current_user', 'alice')).toEqual({ status: 200, body: 'reactor_authenticated' });
});

test.each(KINDS)('%s: the operator works as that login, on connections of its own', async (kind) => {
  const { call } = await setUp(kind);
  const { body } = await call(
    'run',
    'SELECT current_user = session_user AND current_user <> $$reactor_anon$$',
    'admin',
  );
  expect(body).toBe('true');
  expect((await call('run', 'SELECT email FROM reactor_auth.users', 'admin')).body).toBe('alice@example.com');
});

test('a function that executes the text of a caller gives away what users may read: the docs say so', async () => {
  const { call } = await setUp('superuser');
  const forged = `SET LOCAL ROLE reactor_authenticated; SET LOCAL "request.jwt.claims" = '{"sub":"${ALICE}"}';
    SELECT text FROM public.letters`;
  expect(await call('run', 'SELECT text FROM public.letters')).toEqual({ status: 200, body: null });
  expect(await call('run', forged)).toEqual({ status: 200, body: 'to Alice' });
  // And nothing of it stays for the next one.
  expect(await call('run', 'SELECT text FROM public.letters')).toEqual({ status: 200, body: null });
});
