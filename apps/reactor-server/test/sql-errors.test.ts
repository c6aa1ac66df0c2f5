import { createAuth, parseAuthConfig } from '@reactor/auth';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { createRoutes, type DatabaseConnection, silentLogger, systemClock, type TokenVerifier } from '@reactor/core';
import { createData, parseDataConfig } from '@reactor/data';
import { errorHandler } from '@reactor/observability';
import { openDatabase } from '@reactor/postgres';
import { createStorage, parseStorageConfig } from '@reactor/storage';
import { createTestDatabase, temporaryDirectory } from '@reactor/testing';
import { afterAll, expect, test, vi } from 'vitest';

/** Two advisory locks, to meet others in. */
const [FIRST, SECOND] = [101, 102];

/** A trigger of whatever a path writes, which fails as `provocation` says. */
const PROVOKE = `
  CREATE TABLE public.provocation (what text);
  CREATE TABLE public.contended (id int PRIMARY KEY, n int);
  INSERT INTO public.contended VALUES (1, 0);
  CREATE FUNCTION public.provoke() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE what text := (SELECT p.what FROM public.provocation p);
    BEGIN
      CASE what
        WHEN 'a deadlock' THEN
          PERFORM pg_advisory_xact_lock(${FIRST});
          PERFORM pg_advisory_xact_lock(${SECOND});
        WHEN 'a serialization failure' THEN
          PERFORM pg_advisory_xact_lock(${SECOND});
          UPDATE public.contended SET n = n + 1;
        WHEN 'a lock timeout' THEN
          PERFORM set_config('lock_timeout', '50', true);
          PERFORM pg_advisory_xact_lock(${SECOND});
        WHEN 'a cancelled statement' THEN
          PERFORM pg_cancel_backend(pg_backend_pid()), pg_sleep(10);
        WHEN 'the end of the server' THEN
          PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(10);
        WHEN 'a unique violation' THEN
          INSERT INTO public.contended VALUES (1, 0);
        WHEN 'a check violation' THEN
          RAISE 'no such thing' USING ERRCODE = '23514';
        WHEN 'a malformed value' THEN
          PERFORM 'one'::int;
        WHEN 'too little room for rows' THEN
          PERFORM set_config('temp_file_limit', '64', true), set_config('work_mem', '64', true);
          PERFORM count(*) FROM generate_series(1, 100000);
        WHEN 'a file that is gone' THEN
          PERFORM pg_read_file('/srv/pgdata');
      END CASE;
      RETURN NEW;
    END $$;`;

function provokedBy(table: string): string {
  return `CREATE TRIGGER provoke BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION public.provoke();`;
}

const base = { logger: silentLogger, clock: systemClock };

const tokens: TokenVerifier = { verify: async () => ({ kind: 'system' }) };

/** Everything that answers errors of PostgreSQL, on one database, and a request to each that writes. */
async function createPaths() {
  const created = await createTestDatabase();
  // For connections made from here on; otherwise nothing is a serialization failure.
  await created.database.query(`DO $$ BEGIN EXECUTE format(
    'ALTER DATABASE %I SET default_transaction_isolation TO ''repeatable read''', current_database()); END $$`);
  const database = openDatabase({ connectionString: created.connectionString, ...base });
  const root = await temporaryDirectory();
  const context = { ...base, database, tokens };
  const blobs = createFilesystemBlobStore({ root, clock: systemClock });
  const capabilities = [
    createAuth(parseAuthConfig({ secret: 'Vq3t8mYw2kZr6nXc9pLb4sHd7fJg1aQe', allow_signup: true }), context),
    createData(parseDataConfig({}), context),
    createStorage(parseStorageConfig({}), { ...context, blobs }),
  ];
  for (const { migrations } of capabilities) for (const { sql } of migrations) await database.query(sql);
  await database.query(`CREATE TABLE public.things (id int GENERATED ALWAYS AS IDENTITY, name text);
    ALTER TABLE public.things ENABLE ROW LEVEL SECURITY; CREATE TABLE public.bare (id int); ${PROVOKE}`);
  for (const capability of capabilities) await capability.start();
  const app = createRoutes();
  app.onError(errorHandler);
  for (const { basePath, routes } of capabilities) app.route(basePath, routes);
  app.post('/bare', async (c) => c.json(await database.query('INSERT INTO public.bare VALUES (1)')));
  const send = (method: string, url: string, body: unknown) =>
    app.request(`http://localhost${url}`, {
      method,
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json', Authorization: 'Bearer any' },
    });
  expect((await send('POST', '/storage/v1/buckets', { slug: 'files' })).status).toBe(201);
  for (const table of ['reactor_auth.users', 'public.things', 'reactor_storage.objects', 'public.bare']) {
    await database.query(provokedBy(table));
  }
  // The one that the triggers meet: it holds a lock and never finds a deadlock itself.
  const other = await database.connect();
  await other.query(`SET deadlock_timeout = '1min'`);
  return {
    database,
    other,
    paths: {
      auth: (n: number) =>
        send('POST', '/auth/v1/signup', { email: `ada${n}@example.com`, password: 'correct horse battery' }),
      data: () => send('POST', '/data/v1/things', { name: 'x' }),
      storage: (n: number) => send('PUT', `/storage/v1/object/files/${n}`, { any: 'bytes' }),
      'a bare route': () => send('POST', '/bare', {}),
    },
    stop: async () => {
      other.release(true);
      for (const capability of capabilities) await capability.stop(AbortSignal.timeout(1_000));
      await database.close();
    },
  };
}

const server = await createPaths();
afterAll(server.stop);

async function holdSecond(other: DatabaseConnection): Promise<void> {
  await other.query('BEGIN');
  await other.query('SELECT pg_advisory_xact_lock($1)', [SECOND]);
}

/** Until the request waits for the lock that `other` holds. */
async function untilMet(): Promise<void> {
  await vi.waitFor(
    async () => {
      const { rows } = await server.database.query(
        `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = ${SECOND} AND NOT granted`,
      );
      expect(rows).toHaveLength(1);
    },
    { timeout: 5_000, interval: 10 },
  );
}

/** What the other transaction does while a request runs into it. */
const MEETINGS: Readonly<Record<string, (other: DatabaseConnection, request: Promise<unknown>) => Promise<unknown>>> = {
  'a deadlock': async (other) => {
    await untilMet();
    await other.query('SELECT pg_advisory_xact_lock($1)', [FIRST]);
    await other.query('ROLLBACK');
  },
  'a serialization failure': async (other) => {
    await untilMet();
    await other.query('UPDATE public.contended SET n = n + 1');
    await other.query('COMMIT');
  },
  'a lock timeout': async (other, request) => {
    await request;
    await other.query('ROLLBACK');
  },
};

test.each([
  ['a deadlock', '503 write_conflict', '1'],
  ['a serialization failure', '503 write_conflict', '1'],
  ['a lock timeout', '504 lock_timeout', '1'],
  ['a cancelled statement', '504 statement_timeout', null],
  ['the end of the server', '503 database_unavailable', '1'],
  ['too little room for rows', '503 database_unavailable', '1'],
  ['a file that is gone', '503 database_unavailable', '1'],
  ['a unique violation', '409 conflict', null],
  ['a check violation', '400 constraint_violation', null],
  ['a malformed value', '400 invalid_value', null],
] as const)(
  '%s is the same answer whoever is asked',
  async (what, expected, retryAfter) => {
    const { database, other, paths } = server;
    await database.query('TRUNCATE public.provocation');
    await database.query('INSERT INTO public.provocation VALUES ($1)', [what]);
    const answers: Record<string, unknown> = {};
    for (const [name, send] of Object.entries(paths)) {
      const meet = MEETINGS[what];
      if (meet !== undefined) await holdSecond(other);
      const request = Promise.resolve(send(Math.trunc(performance.now())));
      await meet?.(other, request);
      const answer = await request;
      const text = await answer.text();
      expect(text).not.toContain('pgdata');
      answers[name] = [`${answer.status} ${JSON.parse(text).error.code}`, answer.headers.get('Retry-After')];
    }
    expect(answers).toEqual(Object.fromEntries(Object.keys(paths).map((name) => [name, [expected, retryAfter]])));
  },
  30_000,
);
