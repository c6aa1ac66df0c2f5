import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ProbeResult, REQUEST_ROLES, silentLogger, systemClock } from '@reactor/core';
import { expect, onTestFinished, test } from 'vitest';
import { recordingLogger } from '../../testing/src/recording-logger.js';
import { adminConnectionString, createTestDatabase } from '../../testing/src/test-database.js';
import { type DatabasesOptions, openDatabases, type PostgresDatabases } from '../src/index.js';
import { runSql, startServer } from './support/servers.js';

/** A database with the request roles, and what its login for requests will be called. */
async function appDatabase() {
  const { connectionString, database } = await createTestDatabase();
  for (const role of REQUEST_ROLES) await makeRole(role);
  await database.query('CREATE SCHEMA auth');
  const { rows } = await database.query<{ name: string }>('SELECT current_database()::text AS name');
  const name = rows[0]?.name ?? '';
  const login = `reactor_requests_${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
  return { connectionString, database, name, login };
}

/** It belongs to the whole server: another file may be making it. */
async function makeRole(role: string) {
  await runSql(
    adminConnectionString(),
    `DO $$ BEGIN CREATE ROLE ${role} NOLOGIN NOINHERIT; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
  );
}

function open(connectionString: string, options: Partial<DatabasesOptions> = {}): PostgresDatabases {
  const databases = openDatabases({
    connectionString,
    isEmbedded: false,
    poolMax: 6,
    logger: silentLogger,
    clock: systemClock,
    ...options,
  });
  onTestFinished(() => databases.close());
  return databases;
}

/** Before the database goes, so that the role may go with it. */
function dropAfterwards(connectionString: string, login: string) {
  onTestFinished(() => runSql(connectionString, `DROP OWNED BY ${login}; DROP ROLE ${login}`));
}

async function whoServes(databases: PostgresDatabases): Promise<string | undefined> {
  const { rows } = await databases.requests.query<{ name: string }>('SELECT session_user::text AS name');
  return rows[0]?.name;
}

function probe(databases: PostgresDatabases): Promise<ProbeResult> {
  const found = databases.probes.find(({ name }) => name === 'requests_login');
  return found?.run(AbortSignal.timeout(5_000)) as Promise<ProbeResult>;
}

test('requests have a login that may become the request roles and nothing else', async () => {
  const { connectionString, database, login } = await appDatabase();
  const databases = open(connectionString);
  dropAfterwards(connectionString, login);
  expect(await whoServes(databases)).toBe(login);
  const { rows } = await database.query(
    `SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication, rolinherit, rolcanlogin,
       ARRAY(SELECT DISTINCT roleid::regrole::text FROM pg_auth_members WHERE member = r.oid ORDER BY 1) AS member_of
     FROM pg_roles r WHERE rolname = $1`,
    [login],
  );
  expect(rows).toEqual([
    {
      rolsuper: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolbypassrls: false,
      rolreplication: false,
      rolinherit: false,
      rolcanlogin: true,
      member_of: [...REQUEST_ROLES],
    },
  ]);
  await expect(databases.requests.query('SELECT * FROM reactor.requests_login')).rejects.toMatchObject({
    code: '42501',
  });
  expect(await probe(databases)).toEqual({ status: 'ok', message: `${login}: no rights of its own` });
  // The password is no statement that anybody could read again.
  const stored = await database.query<{ rolpassword: string }>('SELECT rolpassword FROM pg_authid WHERE rolname = $1', [
    login,
  ]);
  expect(stored.rows[0]?.rolpassword).toMatch(/^SCRAM-SHA-256\$4096:/);
});

test('servers that start at once share it, and two databases of one server do not', async () => {
  const [one, two] = [await appDatabase(), await appDatabase()];
  const all = [one, one, one, two].map(({ connectionString }) => open(connectionString));
  dropAfterwards(one.connectionString, one.login);
  dropAfterwards(two.connectionString, two.login);
  expect(await Promise.all(all.map(whoServes))).toEqual([one.login, one.login, one.login, two.login]);
  expect(one.login).not.toBe(two.login);
});

test('what the login has been given is taken back at the next start', async () => {
  const { connectionString, database, login } = await appDatabase();
  expect(await whoServes(open(connectionString))).toBe(login);
  dropAfterwards(connectionString, login);
  const running = open(connectionString);
  await whoServes(running);
  await database.query(`ALTER ROLE ${login} CREATEDB INHERIT; GRANT pg_read_all_data TO ${login}`);
  // As every login may do itself.
  await running.requests.query(`ALTER ROLE ${login} SET default_transaction_read_only = on`);
  expect(await probe(running)).toMatchObject({
    status: 'warn',
    code: 'requests_login_unfit',
    remedy: expect.stringMatching(/NOCREATEDB NOINHERIT.*RESET ALL/),
  });
  const next = open(connectionString);
  expect(await whoServes(next)).toBe(login);
  expect(await probe(next)).toMatchObject({ status: 'ok' });
  expect((await next.requests.query('SHOW default_transaction_read_only')).rows).toEqual([
    { default_transaction_read_only: 'off' },
  ]);
  await database.query(
    `GRANT CREATE ON SCHEMA public TO ${login}; SET ROLE ${login}; CREATE TABLE mine (); RESET ROLE`,
  );
  expect(await probe(next)).toMatchObject({ status: 'warn', message: expect.stringContaining('owns 1 objects') });
});

test('a login that may make no roles serves requests itself, and the doctor says what to do', async () => {
  const { connectionString: adminUrl, name, login } = await appDatabase();
  const plain = `plain_${name.slice(-8)}`;
  await runSql(adminUrl, `CREATE ROLE ${plain} LOGIN PASSWORD 'plain'; GRANT ${REQUEST_ROLES.join(', ')} TO ${plain}`);
  await runSql(adminUrl, `GRANT CREATE ON DATABASE ${name} TO ${plain}; GRANT USAGE ON SCHEMA auth TO ${plain}`);
  onTestFinished(() => runSql(adminUrl, `DROP OWNED BY ${plain} CASCADE; DROP ROLE ${plain}`));
  const url = adminUrl.replace(/\/\/[^@/]*@/, `//${plain}:plain@`);
  const { logger, lines } = recordingLogger();
  const databases = open(url, { logger });
  expect(await whoServes(databases)).toBe(plain);
  expect(lines).toContainEqual({
    level: 'warn',
    target: 'reactor_server',
    message: 'requests run on the configured login',
    fields: { reason: 'one of their own could not be made (permission denied to create role)' },
  });
  const { status, message, remedy } = (await probe(databases)) as Exclude<ProbeResult, { status: 'ok' }>;
  expect({ status, message }).toEqual({ status: 'warn', message: expect.stringContaining('RESET ROLE') });
  expect(remedy).toContain(`CREATE ROLE ${login} LOGIN NOINHERIT`);

  // As the remedy says; then its URL is configured.
  await runSql(adminUrl, (/CREATE ROLE .*;/.exec(remedy)?.[0] ?? '').replace('…', 'of-requests'));
  dropAfterwards(adminUrl, login);
  const own = open(url, { requestsConnectionString: adminUrl.replace(/\/\/[^@/]*@/, `//${login}:of-requests@`) });
  expect(await whoServes(own)).toBe(login);
  expect(await probe(own)).toMatchObject({ status: 'ok' });
});

test('a refused login gets its password again, and where that does not help, requests go on without it', async () => {
  const own = await startServer();
  for (const role of REQUEST_ROLES) await runSql(own.connectionString, `CREATE ROLE ${role} NOLOGIN NOINHERIT`);
  const login = `reactor_requests_${createHash('sha256').update('postgres').digest('hex').slice(0, 8)}`;
  const hba = path.join(own.dataDirectory, 'pg_hba.conf');
  await writeFile(hba, `local all ${login} scram-sha-256\n${await readFile(hba, 'utf8')}`);
  await runSql(own.connectionString, 'SELECT pg_reload_conf()');
  const { logger, lines } = recordingLogger();
  const databases = open(own.connectionString, { logger });
  expect(await whoServes(databases)).toBe(login);

  const refuse = async (sql: string) => {
    await runSql(own.connectionString, sql);
    await runSql(
      own.connectionString,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${login}'`,
    );
  };
  await refuse(`ALTER ROLE ${login} PASSWORD 'another'`);
  // Several at once are turned away, and that counts once.
  await expect
    .poll(() => Promise.all([1, 2, 3].map(() => whoServes(databases))).catch(String))
    .toEqual([login, login, login]);
  expect(lines.filter(({ level }) => level === 'warn')).toEqual([]);

  // Setting it again does not help where the login itself is not let in.
  await writeFile(hba, `local all ${login} reject\n${await readFile(hba, 'utf8')}`);
  await refuse('SELECT pg_reload_conf()');
  await expect.poll(() => whoServes(databases).catch(String)).toBe('postgres');
  expect(lines.filter(({ level }) => level === 'warn')).toEqual([
    {
      level: 'warn',
      target: 'reactor_server',
      message: 'requests run on the configured login',
      fields: {
        reason: expect.stringMatching(
          /^the server refused their own, reactor_requests_\w+ \(pg_hba.conf rejects connection/,
        ),
      },
    },
  ]);
  expect(await probe(databases)).toMatchObject({ status: 'warn', code: 'requests_login_missing' });
});

test('a database that takes no connections for a while is no refusal', async () => {
  const { connectionString, database, name, login } = await appDatabase();
  const { logger, lines } = recordingLogger();
  const databases = open(connectionString, { logger });
  dropAfterwards(connectionString, login);
  expect(await whoServes(databases)).toBe(login);
  await database.close();
  const allow = (sql: string) => runSql(adminConnectionString(), sql);
  await allow(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
  await allow(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
  for (let time = 0; time < 4; time++) {
    await expect.poll(() => whoServes(databases).catch(({ code }) => code)).toBe('database_unavailable');
  }
  await allow(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
  await expect.poll(() => whoServes(databases).catch(String)).toBe(login);
  expect(lines.filter(({ message }) => message.includes('configured login'))).toEqual([]);
});

test('addresses that lead to two databases are refused', async () => {
  const [one, two] = [await appDatabase(), await appDatabase()];
  const elsewhere = open(one.connectionString, { requestsConnectionString: two.connectionString });
  await expect(elsewhere.assertOneDatabase()).rejects.toThrow(
    'database.requests_url leads to another database than database.url',
  );
  expect(await probe(elsewhere)).toMatchObject({ status: 'fail', code: 'requests_url_elsewhere' });
  const direct = open(one.connectionString, { directConnectionString: two.connectionString });
  await expect(direct.assertOneDatabase()).rejects.toThrow('database.direct_url leads to another database');
  dropAfterwards(one.connectionString, one.login);
  await whoServes(direct);
  const pooler = direct.probes.find(({ name }) => name === 'pooler');
  expect(await pooler?.run(AbortSignal.timeout(5_000))).toMatchObject({ status: 'fail', code: 'direct_url_elsewhere' });
  await expect(
    open(one.connectionString, { directConnectionString: one.connectionString }).assertOneDatabase(),
  ).resolves.toBeUndefined();
});

test('a login of somebody is not changed, and the doctor says to use another', async () => {
  const { connectionString, database, name } = await appDatabase();
  const admin = `admin_${name.slice(-8)}`;
  await database.query(`CREATE ROLE ${admin} LOGIN SUPERUSER PASSWORD 'admin'`);
  onTestFinished(() => runSql(adminConnectionString(), `DROP ROLE ${admin}`));
  const { logger, lines } = recordingLogger();
  const requestsConnectionString = connectionString.replace(/\/\/[^@/]*@/, `//${admin}:admin@`);
  const databases = open(connectionString, { requestsConnectionString, logger });
  expect(await whoServes(databases)).toBe(admin);
  expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
    { message: 'database.requests_url names a login that may do more than requests', fields: { login: admin } },
  ]);
  const found = await probe(databases);
  expect(found).toMatchObject({ status: 'warn', message: expect.stringContaining('which has SUPERUSER, INHERIT') });
  expect((found as { remedy: string }).remedy).toContain('CREATE ROLE reactor_requests LOGIN');
  expect((found as { remedy: string }).remedy).not.toContain(admin);
  const { rows } = await database.query('SELECT rolsuper, rolinherit FROM pg_roles WHERE rolname = $1', [admin]);
  expect(rows).toEqual([{ rolsuper: true, rolinherit: true }]);
  await databases.close();
  await database.query(`REVOKE ${REQUEST_ROLES.join(', ')} FROM ${admin}; DROP OWNED BY ${admin}`);
});

test('a login that somebody dropped is made again', async () => {
  const own = await startServer();
  for (const role of REQUEST_ROLES) await runSql(own.connectionString, `CREATE ROLE ${role} NOLOGIN NOINHERIT`);
  const databases = open(own.connectionString, { isEmbedded: true });
  expect(await whoServes(databases)).toBe('reactor_requests');
  await runSql(
    own.connectionString,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reactor_requests';
     DROP OWNED BY reactor_requests; DROP ROLE reactor_requests`,
  );
  await expect.poll(() => whoServes(databases).catch(String)).toBe('reactor_requests');
});

test('the pools share pool_max, and the metrics tell them apart', async () => {
  const { connectionString, login } = await appDatabase();
  const databases = open(connectionString, { poolMax: 10, acquireTimeoutMs: 50 });
  dropAfterwards(connectionString, login);
  const held = await Promise.all(Array.from({ length: 7 }, () => databases.requests.connect()));
  await expect(databases.requests.query('SELECT 1')).rejects.toMatchObject({ code: 'database_unavailable' });
  // Whoever fills the one does not take from the other.
  expect((await databases.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  const samples = async (name: string) => {
    const family = databases.metrics.families.find((each) => each.name === name);
    return Object.fromEntries(((await family?.get())?.values ?? []).map(({ labels, value }) => [labels.pool, value]));
  };
  expect(await samples('reactor_db_pool_max')).toEqual({ system: 3, requests: 7 });
  expect(await samples('reactor_db_pool_size')).toMatchObject({ requests: 7 });
  expect(await samples('reactor_db_pool_idle')).toMatchObject({ requests: 0 });
  expect(await samples('reactor_db_acquire_timeouts_total')).toEqual({ system: 0, requests: 1 });
  expect(await samples('reactor_db_up')).toEqual({ system: 1, requests: 1 });
  for (const connection of held) connection.release();
});
