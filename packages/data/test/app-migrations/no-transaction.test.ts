import { type Database, type DatabaseConnection, silentLogger } from '@reactor/core';
import { expect, test } from 'vitest';
import { AppMigrations } from '../../src/index.js';
import { createTestData, jsonBody } from '../support/data.js';
import { databaseWith } from '../support/database.js';

async function setUp(sql = 'CREATE TABLE orders (id int)') {
  const { database } = await databaseWith(sql);
  const migrations = new AppMigrations({
    database,
    logger: silentLogger,
    onApplied: () => {},
    patience: { lockTimeoutMs: 200, totalMs: 1_000 },
  });
  const apply = (text: string) => migrations.apply([{ name: '003_x', sql: `-- reactor:no-transaction\n${text}` }]);
  const first = async (text: string) => Object.values((await database.query(text)).rows[0] ?? {})[0];
  return { database, migrations, apply, first };
}

test('statements that no transaction takes run one by one, and new tables are protected', async () => {
  const { apply, first } = await setUp();
  const sql = `CREATE INDEX CONCURRENTLY by_id ON orders (id);
    CREATE TABLE more (owner uuid);
    policy mine on more for select, insert using (owner = auth.user_id()) check (owner = auth.user_id());
    SET search_path = reactor_data; CREATE TABLE public.most (); RESET search_path;
    VACUUM more;`;
  expect(await apply(sql)).toEqual({ applied: ['003_x'] });
  expect(await apply(sql)).toEqual({ applied: [] });
  expect(await first("SELECT bool_and(relrowsecurity) FROM pg_class WHERE relname IN ('more', 'most')")).toBe(true);
  expect(await first("SELECT count(*)::int FROM pg_policy WHERE polrelid = 'more'::regclass")).toBe(3);
  expect(await first("SELECT indisvalid FROM pg_index WHERE indexrelid = 'by_id'::regclass")).toBe(true);
  expect(await first('SELECT count(*)::int FROM reactor_data.app_migration_steps')).toBe(0);
  // The session ends a moment after its connection is given back, and other databases of the server have locks too.
  const locks = `SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  await expect.poll(() => first(locks)).toBe(0);
});

test('one that fails goes on where it stopped, and what ran must stay as it is', async () => {
  const { apply, first } = await setUp();
  const done = 'INSERT INTO orders VALUES (1);\n';
  await expect(apply(`${done}SELECT nothing;`)).rejects.toMatchObject({
    code: 'migration_failed',
    message: '003_x.sql:3: column "nothing" does not exist (SQLSTATE 42703)',
  });
  await expect(apply('INSERT INTO orders VALUES (2);\nSELECT 1')).rejects.toMatchObject({
    code: 'migration_changed',
    message: expect.stringContaining('its statement 1 ran already and was changed since'),
  });
  expect(await apply(`${done}SELECT 1;`)).toEqual({ applied: ['003_x'] });
  expect(await first('SELECT count(*)::int FROM orders')).toBe(1);
});

test('the status tells how far one came, and what would be refused', async () => {
  const { as, database } = await createTestData('CREATE TABLE orders (id int)');
  const name = '003_x';
  const sql = (first: string) => `-- reactor:no-transaction\nSET lock_timeout = 0;\n${first};\nSELECT nothing`;
  const post = async (path: string, migrations: readonly object[]) =>
    (await as('admin')('POST', path, jsonBody({ migrations }))).json();
  const status = (...migrations: object[]) => post('/_admin/migrations', migrations);
  const begun = { name, sql: sql('INSERT INTO orders VALUES (1)') };
  expect(await status(begun)).toEqual({ applied: [], pending: [name], changed: [], unknown: [] });
  expect(await post('/_admin/migrate', [begun])).toMatchObject({ error: { code: 'migration_failed' } });
  const partial = [{ name, ran: 2, statements: 3 }];
  expect(await status(begun)).toEqual({ applied: [], pending: [name], changed: [], unknown: [], partial });
  // Each as the run itself refuses it.
  for (const wrong of [
    { name, sql: sql('INSERT INTO orders VALUES (2)') },
    { name: '1.down', sql: 'SELECT 1' },
    { name: 'U1__x', sql: 'SELECT 1' },
    { name: '2', sql: 'SELECT 1;\n-- migrate:down\nSELECT 1' },
    { name: '3', sql: '-- reactor:no-transactions' },
  ]) {
    const { error } = (await post('/_admin/migrate', [wrong])) as { error: { message: string } };
    expect(await status(wrong)).toMatchObject({
      pending: [wrong.name],
      refused: [{ name: wrong.name, reason: error.message }],
    });
  }
  expect((await database.query('SELECT id FROM orders')).rows).toEqual([{ id: 1 }]);
});

test('an index that could not be built is named, also to IF NOT EXISTS', async () => {
  const { apply, database, first } = await setUp('CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (1)');
  const sql = 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "by Id" ON orders (id);';
  const drop = 'it left an invalid index behind: run DROP INDEX CONCURRENTLY "by Id"; and migrate again';
  await expect(apply(sql)).rejects.toThrow(`Key (id)=(1) is duplicated; ${drop}`);
  await expect(apply(sql)).rejects.toThrow(`003_x.sql:2: the index is not valid; ${drop}`);
  await database.query('DROP INDEX CONCURRENTLY "by Id"');
  await database.query('DELETE FROM orders');
  expect(await apply(sql)).toEqual({ applied: ['003_x'] });
  expect(await first(`SELECT indisvalid FROM pg_index WHERE indexrelid = '"by Id"'::regclass`)).toBe(true);
});

test('servers that start at once run it once', async () => {
  const { apply, first } = await setUp();
  const results = await Promise.all([1, 2, 3].map(() => apply('INSERT INTO orders VALUES (1); SELECT pg_sleep(0.2)')));
  expect(results.flatMap(({ applied }) => applied)).toEqual(['003_x']);
  expect(await first('SELECT count(*)::int FROM orders')).toBe(1);
});

test('a pooler in between is refused, as its sessions are others', async () => {
  const { database } = await setUp();
  const pooled = {
    ...database,
    query: database.query.bind(database),
    connect: async () => new Proxy(await database.connect(), { get: pooledProperty }),
  } as Database;
  const options = { logger: silentLogger, onApplied: () => {} };
  const file = { name: '003_x', sql: '-- reactor:no-transaction\nVACUUM' };
  const migrations = new AppMigrations({ ...options, database: pooled });
  await expect(migrations.apply([file])).rejects.toThrow(
    '003_x.sql: without a transaction it needs a PostgreSQL session of its own',
  );
  const direct = new AppMigrations({ ...options, database: pooled, sessions: database });
  expect(await direct.apply([file])).toEqual({ applied: ['003_x'] });
});

/** A pooler makes the process id of the key data up. */
function pooledProperty(connection: DatabaseConnection, name: keyof DatabaseConnection) {
  const value = connection[name];
  if (name === 'processId') return 1;
  return typeof value === 'function' ? value.bind(connection) : value;
}

test('a dry run tries what comes before it, and says what it did not try', async () => {
  const { as, database } = await createTestData('CREATE TABLE orders (id int)');
  const migrations = [
    { name: '001', sql: 'CREATE TABLE a ()' },
    { name: '002', sql: '-- reactor:no-transaction\nCREATE INDEX CONCURRENTLY by_id ON orders (id)' },
    { name: '003', sql: 'DROP INDEX by_id' },
  ];
  const post = async (query: string) =>
    (await as('admin')('POST', `/_admin/migrate${query}`, jsonBody({ migrations }))).json();
  expect(await post('?dry_run')).toEqual({ applied: [], pending: ['001', '002', '003'], untried: ['002', '003'] });
  expect((await database.query("SELECT to_regclass('a') AS a")).rows).toEqual([{ a: null }]);
  expect(await post('')).toEqual({ applied: ['001', '002', '003'], pending: [] });
});

test('a statement that wants to be alone says how', async () => {
  const { migrations } = await setUp();
  await expect(migrations.apply([{ name: '1', sql: 'CREATE INDEX CONCURRENTLY ON orders (id)' }])).rejects.toThrow(
    'begin the file with the line -- reactor:no-transaction',
  );
});
