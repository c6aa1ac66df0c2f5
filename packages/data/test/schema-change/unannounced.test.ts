import { type Database, silentLogger, systemClock } from '@reactor/core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { AppMigrations, dataProbes, SchemaCache } from '../../src/index.js';
import { ensureRoles } from '../../src/roles.js';
import { applyMigrations, databaseWith } from '../support/database.js';
import { databaseOfLogin } from '../support/login.js';
import { grantsOn, OPEN, privilegesOf } from '../support/privileges.js';

const TABLE = 'CREATE TABLE notes (id int); ALTER TABLE notes ENABLE ROW LEVEL SECURITY';

/** Several: one alone may be seen by the reading that follows the beginning of listening. */
const CHANGES = [
  ['DISABLE', [false, {}]],
  ['ENABLE', [true, { notes: OPEN }]],
  ['DISABLE', [false, {}]],
] as const;

/** Readings take no time by its clock, so that the pauses between them are as short as can be. */
async function cacheOn(database: Database) {
  const reloads: string[] = [];
  const grants = grantsOn(database);
  const cache = new SchemaCache({
    database,
    logger: silentLogger,
    clock: { ...systemClock, monotonic: () => 0 },
    onReload: (result) => reloads.push(result),
    beforeRead: () => grants.tryReconcile(),
    unannouncedMs: 1,
  });
  onTestFinished(() => cache.stop());
  await cache.start();
  const isServed = () => cache.peek()?.model.relations.get('notes')?.rowSecurity;
  return { cache, reloads, isServed };
}

test('a login without an event trigger learns that row-level security was switched off by hand', async () => {
  // Makes the roles.
  await databaseWith('SELECT 1');
  const { database, admin, login } = await databaseOfLogin('');
  await admin.query(`GRANT reactor_anon, reactor_authenticated TO ${login}`);
  await applyMigrations(database);
  await ensureRoles(database);
  await database.query(TABLE);
  const { isServed } = await cacheOn(database);
  expect([isServed(), await privilegesOf(database)]).toEqual([true, { notes: OPEN }]);
  for (const [verb, expected] of CHANGES) {
    await admin.query(`ALTER TABLE notes ${verb} ROW LEVEL SECURITY`);
    await vi.waitFor(async () => expect([isServed(), await privilegesOf(database)]).toEqual(expected), 10_000);
  }
});

test.each([
  'DROP EVENT TRIGGER reactor_data_schema_change',
  'ALTER EVENT TRIGGER reactor_data_schema_change DISABLE',
  'ALTER EVENT TRIGGER reactor_data_schema_change ENABLE REPLICA',
])('so does a server after %s', async (sql) => {
  const { database } = await databaseWith(`${TABLE}; ${sql}`);
  const { cache, isServed, reloads } = await cacheOn(database);
  for (const [verb, [expected]] of CHANGES) {
    await database.query(`ALTER TABLE notes ${verb} ROW LEVEL SECURITY`);
    await vi.waitFor(() => expect(isServed()).toBe(expected), 10_000);
  }
  await cache.stop();
  const before = reloads.length;
  for (let i = 0; i < 50; i++) await database.query('SELECT 1');
  expect(reloads).toHaveLength(before);
});

test('nothing is read over and over where the event trigger is', async () => {
  const { database } = await databaseWith(TABLE);
  const { reloads } = await cacheOn(database);
  // Once at the start, once when listening began.
  await vi.waitFor(() => expect(reloads).toHaveLength(2), 10_000);
  for (let i = 0; i < 100; i++) await database.query('SELECT 1');
  expect(reloads).toHaveLength(2);
});

test('the probe that finds the kept schema stale has it read again', async () => {
  const { database } = await databaseWith('SELECT 1');
  const shared = { database, logger: silentLogger, clock: systemClock };
  const schema = new SchemaCache({ ...shared, onReload: () => {} });
  await schema.reload();
  onTestFinished(() => schema.stop());
  const probes = dataProbes({ database, schema, migrations: new AppMigrations({ ...shared, onApplied: () => {} }) });
  const ask = () => probes.find(({ name }) => name === 'schema_cache')?.run(AbortSignal.timeout(10_000));
  await database.query(TABLE);
  expect(await ask()).toMatchObject({ status: 'warn', code: 'schema_cache_stale' });
  await vi.waitFor(() => expect(schema.peek()?.model.relations.has('notes')).toBe(true), 10_000);
  expect(await ask()).toMatchObject({ status: 'ok' });
});
