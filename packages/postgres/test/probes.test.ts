import { type DoctorProbe, databasePingProbe, silentLogger } from '@reactor/core';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../../testing/src/test-database.js';
import { type MigrationSet, migrate, migrationsProbe } from '../src/index.js';
import { openPool } from './support/servers.js';

const run = (probe: DoctorProbe) => probe.run(AbortSignal.timeout(probe.timeoutMs));

const SET: MigrationSet = {
  owner: 'sites',
  migrations: [
    { id: '0001_a', sql: 'CREATE TABLE a ();' },
    { id: '0002_b', sql: 'CREATE TABLE b ();' },
  ],
};
const first = { ...SET, migrations: SET.migrations.slice(0, 1) };

test('db_ping tells the version', async () => {
  const { database } = await createTestDatabase();
  const probe = databasePingProbe(database);
  expect(probe).toMatchObject({ name: 'db_ping', provides: 'database' });
  expect(await run(probe)).toEqual({
    status: 'ok',
    message: expect.stringMatching(/^PostgreSQL 1[5-9]/),
  });
});

test('db_ping fails without a server, naming what the system said and no password', async () => {
  const database = openPool('postgresql://user:hidden@127.0.0.1:1/db');
  const result = await run(databasePingProbe(database));
  expect(result).toMatchObject({ status: 'fail', code: 'database_unavailable' });
  expect(result.message).toContain('ECONNREFUSED');
  expect(JSON.stringify(result)).not.toContain('hidden');
});

test('migrations fails for pending and changed ones, by name, and warns of unknown ones', async () => {
  const { database } = await createTestDatabase();
  expect(migrationsProbe(database, [SET])).toMatchObject({ name: 'migrations', dependsOn: ['database'] });
  await migrate(database, [first], { logger: silentLogger });
  expect(await run(migrationsProbe(database, [SET]))).toMatchObject({
    status: 'fail',
    code: 'migrations_pending',
    message: 'Not applied: sites/0002_b',
    remedy: expect.stringContaining('reactor-server migrate'),
  });

  await migrate(database, [SET], { logger: silentLogger });
  expect(await run(migrationsProbe(database, [SET]))).toEqual({ status: 'ok', message: '2 applied' });
  expect(await run(migrationsProbe(database, [first]))).toMatchObject({
    status: 'warn',
    code: 'migrations_unknown',
    message: 'Applied by another release: sites/0002_b',
  });
  const edited = { ...SET, migrations: SET.migrations.map((migration) => ({ ...migration, sql: 'SELECT 1;' })) };
  expect(await run(migrationsProbe(database, [edited]))).toMatchObject({
    status: 'fail',
    code: 'migrations_changed',
    message: 'Changed after being applied: sites/0001_a, sites/0002_b',
  });
});
