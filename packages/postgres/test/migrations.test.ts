import { silentLogger } from '@reactor/core';
import { expect, test } from 'vitest';
import { recordingLogger } from '../../testing/src/recording-logger.js';
import { createTestDatabase } from '../../testing/src/test-database.js';
import {
  ChangedMigrationError,
  MigrationFailedError,
  type MigrationSet,
  migrate,
  migrationStatus,
  type PostgresDatabase,
} from '../src/index.js';
import { openPool } from './support/servers.js';

const quiet = { logger: silentLogger };

const BLOBS: MigrationSet = {
  owner: 'storage',
  schema: 'reactor_storage',
  migrations: [
    { id: '0001_create_buckets', sql: 'CREATE TABLE buckets (name text PRIMARY KEY);' },
    { id: '0002_add_size', sql: 'ALTER TABLE buckets ADD COLUMN size bigint;\nCREATE INDEX ON buckets (size);' },
  ],
};
const USERS: MigrationSet = {
  owner: 'auth',
  schema: 'reactor_auth',
  migrations: [{ id: '0001_create_users', sql: 'CREATE TABLE users (id uuid PRIMARY KEY);' }],
};
const names = (set: MigrationSet) => set.migrations.map(({ id }) => ({ owner: set.owner, id }));

async function tables(database: PostgresDatabase): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname ~ '^(reactor|public)' ORDER BY 1",
  );
  return rows.map(({ name }) => name);
}

test('applies what is pending, in order, once', async () => {
  const { database } = await createTestDatabase();
  expect(await migrationStatus(database, [USERS, BLOBS])).toEqual({
    applied: [],
    pending: [...names(USERS), ...names(BLOBS)],
    changed: [],
    unknown: [],
  });
  expect(await tables(database)).toEqual([]);

  expect(await migrate(database, [USERS, BLOBS], quiet)).toEqual({ applied: [...names(USERS), ...names(BLOBS)] });
  expect(await tables(database)).toEqual([
    'reactor.event_payloads',
    'reactor.migrations',
    'reactor_auth.users',
    'reactor_storage.buckets',
  ]);
  expect(await migrate(database, [USERS, BLOBS], quiet)).toEqual({ applied: [] });

  const status = await migrationStatus(database, [USERS, BLOBS]);
  expect(status.applied).toMatchObject([...names(USERS), ...names(BLOBS)]);
  expect(status.applied[0]?.appliedAt).toBeInstanceOf(Date);
  expect(status).toMatchObject({ pending: [], changed: [], unknown: [] });
});

test('a later release applies only what is new', async () => {
  const { database } = await createTestDatabase();
  await migrate(database, [BLOBS], quiet);
  const next = { ...BLOBS, migrations: [...BLOBS.migrations, { id: '0003_more', sql: 'CREATE TABLE more ();' }] };
  expect(await migrate(database, [next, USERS], quiet)).toEqual({
    applied: [{ owner: 'storage', id: '0003_more' }, ...names(USERS)],
  });
});

test('servers that start at once apply each migration once', async () => {
  const { connectionString, database } = await createTestDatabase();
  const slow: MigrationSet = {
    owner: 'slow',
    migrations: [
      { id: '0001_a', sql: 'CREATE TABLE a (); SELECT pg_sleep(0.1);' },
      { id: '0002_b', sql: 'CREATE TABLE b (); SELECT pg_sleep(0.1);' },
    ],
  };
  const servers = [database, openPool(connectionString), openPool(connectionString)];
  const results = await Promise.all(servers.map((each) => migrate(each, [slow], quiet)));
  expect(results.flatMap(({ applied }) => applied).sort((a, b) => a.id.localeCompare(b.id))).toEqual(names(slow));
});

test('a changed migration refuses everything, before anything is applied', async () => {
  const { database } = await createTestDatabase();
  await migrate(database, [BLOBS], quiet);
  const [first, second] = BLOBS.migrations;
  if (first === undefined || second === undefined) throw new Error('the set has two migrations');
  const edited = { ...BLOBS, migrations: [{ ...first, sql: `${first.sql} -- edited` }, second] };

  expect((await migrationStatus(database, [edited])).changed).toEqual([{ owner: 'storage', id: first.id }]);
  const refusal = await migrate(database, [USERS, edited], quiet).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(ChangedMigrationError);
  expect(refusal).toMatchObject({
    migrations: [{ owner: 'storage', id: first.id }],
    message: expect.stringContaining('storage/0001_create_buckets'),
  });
  expect(await tables(database)).not.toContain('reactor_auth.users');
});

test('failing SQL names its place and leaves nothing half done', async () => {
  const { database } = await createTestDatabase();
  const failing: MigrationSet = {
    owner: 'jobs',
    schema: 'reactor_jobs',
    migrations: [
      { id: '0001_good', sql: 'CREATE TABLE good ();' },
      { id: '0002_bad', sql: 'CREATE TABLE half ();\nINSERT INTO nowhere VALUES (1);' },
      { id: '0003_later', sql: 'CREATE TABLE later ();' },
    ],
  };
  const failure = await migrate(database, [failing], quiet).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(MigrationFailedError);
  expect(failure).toMatchObject({
    owner: 'jobs',
    id: '0002_bad',
    sqlState: '42P01',
    message: 'migration jobs/0002_bad failed: relation "nowhere" does not exist (SQLSTATE 42P01, line 2)',
  });
  expect(await tables(database)).toEqual(['reactor.event_payloads', 'reactor.migrations', 'reactor_jobs.good']);
  expect((await migrationStatus(database, [failing])).pending).toEqual([
    { owner: 'jobs', id: '0002_bad' },
    { owner: 'jobs', id: '0003_later' },
  ]);
});

test('a migration that commits by itself is refused', async () => {
  const { database } = await createTestDatabase();
  const set: MigrationSet = { owner: 'x', migrations: [{ id: '0001_commits', sql: 'SELECT 1; COMMIT; SELECT 2;' }] };
  await expect(migrate(database, [set], quiet)).rejects.toThrow(/x\/0001_commits failed: it contains COMMIT/);
  expect((await migrationStatus(database, [set])).applied).toEqual([]);
});

test('what a migration sets does not leak into later queries', async () => {
  const { database } = await createTestDatabase();
  const set: MigrationSet = {
    owner: 'x',
    migrations: [{ id: '0001_sets', sql: "SET search_path = pg_catalog; SET application_name = 'leak';" }],
  };
  await migrate(database, [set], quiet);
  const { rows } = await database.query("SELECT current_setting('application_name') AS name");
  expect(rows).toEqual([{ name: 'reactor' }]);
});

test('a statement timeout for requests cuts neither a migration nor the wait for one of another server', async () => {
  const { connectionString } = await createTestDatabase();
  const separator = connectionString.includes('?') ? '&' : '?';
  const connect = () => openPool(`${connectionString}${separator}options=-c%20statement_timeout%3D400`);
  const servers = [connect(), connect()];
  await expect(servers[0]?.query('SELECT pg_sleep(2)')).rejects.toMatchObject({ code: '57014' });
  const set: MigrationSet = { owner: 'x', migrations: [{ id: '0001_long', sql: 'SELECT pg_sleep(1);' }] };
  const results = await Promise.all(servers.map((database) => migrate(database, [set], quiet)));
  expect(results.flatMap(({ applied }) => applied)).toHaveLength(1);
});

test('migrations of a newer release are reported and tolerated', async () => {
  const { database } = await createTestDatabase();
  await migrate(database, [BLOBS, USERS], quiet);
  const older = { ...BLOBS, migrations: BLOBS.migrations.slice(0, 1) };
  expect((await migrationStatus(database, [older])).unknown).toEqual([{ owner: 'storage', id: '0002_add_size' }]);
  const { logger, lines } = recordingLogger();
  expect(await migrate(database, [older], { logger })).toEqual({ applied: [] });
  expect(lines).toMatchObject([{ level: 'warn', fields: { migrations: ['storage/0002_add_size'] } }]);
});

test('sets that cannot be told apart are refused', async () => {
  const { database } = await createTestDatabase();
  await expect(migrate(database, [BLOBS, BLOBS], quiet)).rejects.toThrow('two migration sets have the owner "storage"');
  const unordered = { ...BLOBS, migrations: [...BLOBS.migrations].reverse() };
  await expect(migrate(database, [unordered], quiet)).rejects.toThrow('ids must ascend');
});
