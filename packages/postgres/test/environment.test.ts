import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../testing/src/temporary-directory.js';
import { createTestDatabase } from '../../testing/src/test-database.js';
import type { PostgresDatabase } from '../src/index.js';
import { openPool, startServer } from './support/servers.js';

/** What the driver, libpq or PostgreSQL's own programs read. Each value breaks or changes a connection that heeds it. */
const VARIABLES: Readonly<Record<string, string>> = {
  PGHOST: 'nowhere.invalid',
  PGHOSTADDR: '192.0.2.1',
  PGPORT: '1',
  PGUSER: 'nobody',
  PGDATABASE: 'nothing',
  PGPASSWORD: 'wrong',
  PGPASSFILE: '/nowhere',
  PGSERVICE: 'nothing',
  PGSERVICEFILE: '/nowhere',
  PGSSLMODE: 'require',
  PGSSLNEGOTIATION: 'direct',
  PGSSLROOTCERT: '/nowhere',
  PGREQUIREAUTH: 'none',
  PGCHANNELBINDING: 'require',
  PGOPTIONS: '-c search_path=nowhere -c default_transaction_read_only=on',
  PGAPPNAME: 'somebody',
  PGCLIENTENCODING: 'LATIN1',
  PGCLIENT_ENCODING: 'LATIN1',
  PGREPLICATION: 'database',
  PGBINARY: '1',
  PGCONNECT_TIMEOUT: '1',
  PGTARGETSESSIONATTRS: 'standby',
  PGTZ: 'Asia/Tokyo',
  PGDATESTYLE: 'German',
  PGDATA: '/nowhere',
};

/** Runs `work` with these variables in the environment of this process. */
async function withEnvironment<T>(variables: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(variables)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}

/** What tells one session from another. */
const SESSION = `
  SELECT current_user AS login, current_database() AS database, inet_server_port() AS port,
         current_setting('application_name') AS application, current_setting('client_encoding') AS encoding,
         current_setting('search_path') AS path, current_setting('default_transaction_read_only') AS read_only,
         current_setting('TimeZone') AS zone, current_setting('DateStyle') AS dates,
         coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS ssl`;

/** How the pool, the ping and LISTEN come to the server; an error's text where one of them does not. */
async function sessionsOf(database: PostgresDatabase) {
  const told = async (attempt: Promise<unknown>) => attempt.catch((error: Error) => String(error.cause ?? error));
  return {
    query: await told(database.query(SESSION).then(({ rows }) => rows)),
    ping: await told(database.ping(AbortSignal.timeout(5_000))),
    listen: await told(heard(database)),
  };
}

async function heard(database: PostgresDatabase): Promise<string | undefined> {
  let listening: { stop(): Promise<void> } | undefined;
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('nothing was heard')), 5_000);
      listening = database.events.subscribe('environment', async (event) => {
        if (event.kind === 'gap') return database.events.publish('environment', 'heard');
        clearTimeout(timer);
        resolve(event.payload);
      });
    });
  } finally {
    await listening?.stop();
  }
}

test('no variable of the environment changes where or how a connection is made', async () => {
  const { connectionString, database } = await createTestDatabase();
  const expected = await sessionsOf(database);
  expect(expected).toMatchObject({ query: [{ application: 'reactor', encoding: 'UTF8' }], listen: 'heard' });
  const changed: Record<string, unknown> = {};
  for (const [name, value] of [...Object.entries(VARIABLES), ['all of them', ''] as const]) {
    const variables = name === 'all of them' ? VARIABLES : { [name]: value };
    const sessions = await withEnvironment(variables, () => sessionsOf(openPool(connectionString)));
    if (JSON.stringify(sessions) !== JSON.stringify(expected)) changed[name] = sessions;
  }
  expect(changed).toEqual({});
});

test('nor for the connections that a warm pool adds', async () => {
  const { database } = await createTestDatabase();
  const { rows: expected } = await database.query(SESSION);
  await withEnvironment(VARIABLES, async () => {
    const held = await Promise.all(Array.from({ length: 6 }, () => database.connect()));
    const sessions = await Promise.all(held.map(async (connection) => (await connection.query(SESSION)).rows));
    for (const connection of held) connection.release();
    expect(sessions).toEqual(held.map(() => expected));
  });
});

test('what the URL says itself is heeded', async () => {
  const { connectionString } = await createTestDatabase();
  const separator = connectionString.includes('?') ? '&' : '?';
  const parameters = `application_name=mine&options=${encodeURIComponent('-c search_path=elsewhere')}&lock_timeout=1234`;
  const database = openPool(`${connectionString}${separator}${parameters}`);
  const { rows } = await database.query(
    `SELECT current_setting('application_name') AS application, current_setting('search_path') AS path,
            current_setting('lock_timeout') AS patience`,
  );
  expect(rows).toEqual([{ application: 'mine', path: 'elsewhere', patience: '1234ms' }]);
});

test('sslmode does not concern a Unix socket', async () => {
  const { connectionString } = await startServer();
  for (const parameters of ['sslmode=require', 'sslmode=verify-full', 'sslnegotiation=direct', 'ssl=true']) {
    await openPool(`${connectionString}&${parameters}`).ping(AbortSignal.timeout(5_000));
  }
});

test('the embedded server is created and started as without them', async () => {
  const connectionString = await withEnvironment(
    { ...VARIABLES, LC_ALL: 'tr_TR.UTF-8', TZ: 'Asia/Tokyo' },
    async () => {
      const postgres = await startServer();
      await openPool(postgres.connectionString).ping(AbortSignal.timeout(5_000));
      return postgres.connectionString;
    },
  );
  const { rows } = await openPool(connectionString).query(SESSION);
  expect(rows).toEqual([
    expect.objectContaining({ application: 'reactor', path: '"$user", public', read_only: 'off', zone: 'UTC' }),
  ]);
});

test('a port in postgresql.conf does not move the socket of the embedded server', async () => {
  const stateDirectory = await temporaryDirectory();
  const first = await startServer({ stateDirectory });
  await first.stop(AbortSignal.timeout(10_000));
  const file = join(first.dataDirectory, 'postgresql.conf');
  await writeFile(file, `${await readFile(file, 'utf8')}\nport = 5999\n`);
  const second = await startServer({ stateDirectory });
  await openPool(second.connectionString).ping(AbortSignal.timeout(5_000));
});

test('a password that the URL lacks is taken from nowhere else, and waiting for it is not tried', async () => {
  const postgres = await startServer();
  const admin = openPool(postgres.connectionString);
  await admin.query("CREATE ROLE asked LOGIN PASSWORD 'right'");
  const file = join(postgres.dataDirectory, 'pg_hba.conf');
  await writeFile(file, `local all asked scram-sha-256\n${await readFile(file, 'utf8')}`);
  await admin.query('SELECT pg_reload_conf()');
  const home = await temporaryDirectory();
  const passwords = join(home, '.pgpass');
  await writeFile(passwords, '*:*:*:*:right\n');
  await chmod(passwords, 0o600);
  const url = (login: string) => postgres.connectionString.replace(/\/\/[^@]*@/, `//${login}@`);
  const sources = [{ PGPASSWORD: 'right' }, { PGPASSFILE: passwords }, { HOME: home }];
  for (const variables of sources) {
    await withEnvironment(variables, async () => {
      await expect(openPool(url('asked')).waitUntilReady(AbortSignal.timeout(30_000))).rejects.toThrow(
        'the server asks for a password, and the database URL holds none',
      );
      await openPool(url('asked:right')).ping(AbortSignal.timeout(5_000));
    });
  }
});
