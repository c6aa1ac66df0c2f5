import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, silentLogger, systemClock } from '@reactor/core';
import { openDatabase } from '@reactor/postgres';
import { temporaryDirectory } from '@reactor/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fromSqlError } from '../../src/execute/sql-errors.js';
import { AppMigrations, createData, dataHealth, dataProbes, parseDataConfig, SchemaCache } from '../../src/index.js';
import { ensureRoles } from '../../src/roles.js';
import { databaseWith } from '../support/database.js';
import { testTokens } from '../support/tokens.js';

function unreachable(): Database {
  const connectionString = 'postgres://nobody@127.0.0.1:1/none';
  const database = openDatabase({ connectionString, logger: silentLogger, clock: systemClock });
  onTestFinished(() => database.close());
  return database;
}

function partsOf(database: Database) {
  const shared = { database, logger: silentLogger, clock: systemClock };
  const schema = new SchemaCache({ ...shared, onReload: () => {} });
  const migrations = new AppMigrations({ ...shared, onApplied: () => {} });
  return { database, schema, migrations };
}

async function run(options: Parameters<typeof dataProbes>[0], name: string) {
  const probe = dataProbes(options).find((candidate) => candidate.name === name);
  if (probe === undefined) throw new Error(`no probe ${name}`);
  return probe.run(AbortSignal.timeout(probe.timeoutMs));
}

describe('health', () => {
  test('is what the database is', async () => {
    const { database } = await databaseWith('SELECT 1');
    const check = (of: Database) => dataHealth(of).check(AbortSignal.timeout(500));
    expect(await check(database)).toEqual({ status: 'ok' });
    expect(await check(unreachable())).toEqual({ status: 'error', reason: 'the database does not answer' });
  });
});

describe('probes', () => {
  test('db_ping', async () => {
    const { database } = await databaseWith('SELECT 1');
    expect(await run(partsOf(database), 'db_ping')).toEqual({
      status: 'ok',
      message: expect.stringMatching(/^PostgreSQL \d+\.\d+/),
    });
    expect(await run(partsOf(unreachable()), 'db_ping')).toMatchObject({
      status: 'fail',
      code: 'database_unavailable',
    });
  });

  test('migrations', async () => {
    const { database } = await databaseWith('SELECT 1');
    const parts = partsOf(database);
    expect(await run(parts, 'migrations')).toEqual({ status: 'ok', message: '0 of the app applied' });
    const migrationsDir = await temporaryDirectory();
    const options = { ...parts, migrationsDir };
    await writeFile(join(migrationsDir, '1.sql'), 'SELECT 1');
    expect(await run(options, 'migrations')).toMatchObject({ status: 'fail', code: 'migrations_pending' });
    await writeFile(join(migrationsDir, '1.down.sql'), 'SELECT 1');
    await writeFile(join(migrationsDir, '2.sql'), '-- reactor:no-transaction\nSELECT 1; SELECT nothing');
    expect(await run(options, 'migrations')).toMatchObject({
      status: 'fail',
      code: 'migrations_refused',
      message: expect.stringMatching(/^Not applied: 1, 1.down, 2; 1.down.sql:1: by its name this file undoes/),
    });
    await rm(join(migrationsDir, '1.down.sql'));
    const two = [{ name: '2', sql: '-- reactor:no-transaction\nSELECT 1; SELECT nothing' }];
    await expect(parts.migrations.apply(two)).rejects.toMatchObject({ code: 'migration_failed' });
    expect(await run(options, 'migrations')).toMatchObject({
      code: 'migrations_pending',
      message: 'Not applied: 1, 2; of 2 1 of 2 statements ran',
    });
    await rm(join(migrationsDir, '2.sql'));
    await parts.migrations.apply([{ name: '1', sql: 'SELECT 1' }]);
    expect(await run(options, 'migrations')).toEqual({ status: 'ok', message: '1 of the app applied' });
    await writeFile(join(migrationsDir, '1.sql'), 'SELECT 2');
    expect(await run(options, 'migrations')).toMatchObject({
      status: 'fail',
      code: 'migrations_changed',
      message: 'Changed after being applied: 1',
    });
    await rm(join(migrationsDir, '1.sql'));
    expect(await run(options, 'migrations')).toMatchObject({ status: 'warn', code: 'migrations_unknown' });
  });

  test('rls', async () => {
    const { database } = await databaseWith(`
      CREATE TABLE closed (id int); ALTER TABLE closed ENABLE ROW LEVEL SECURITY;
    `);
    const parts = partsOf(database);
    expect(await run(parts, 'rls')).toEqual({
      status: 'ok',
      message: 'on for all of 1 tables and views; without a policy, so that nobody sees rows: closed',
    });
    await database.query('CREATE POLICY all_of_it ON closed USING (true)');
    expect(await run(parts, 'rls')).toEqual({ status: 'ok', message: 'on for all of 1 tables and views' });
    await database.query(`
      CREATE TABLE open (id int);
      CREATE VIEW as_owner AS SELECT * FROM closed;
      CREATE VIEW of_open WITH (security_invoker) AS SELECT * FROM open;
      CREATE MATERIALIZED VIEW kept AS SELECT * FROM closed;
    `);
    expect(await run(parts, 'rls')).toEqual({
      status: 'warn',
      code: 'row_security_off',
      message: 'Refused to all but the operator: view as_owner, materialized view kept, view of_open, table open',
      remedy: expect.stringMatching(/security_invoker = true.*cannot have policies.*every table.*ENABLE ROW LEVEL/),
    });
  });

  test('definer_functions', async () => {
    const { database } = await databaseWith(`
      CREATE FUNCTION as_caller() RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE FUNCTION as_owner(n int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
    `);
    const parts = partsOf(database);
    expect(await run(parts, 'definer_functions')).toMatchObject({
      status: 'warn',
      code: 'definer_functions_open',
      message: expect.stringMatching(/: as_owner\(integer\)$/),
    });
    await database.query(`
      REVOKE EXECUTE ON FUNCTION as_owner FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION as_owner TO reactor_anon;
    `);
    expect(await run(parts, 'definer_functions')).toEqual({ status: 'ok' });
  });

  test('slow_policies', async () => {
    const { database } = await databaseWith(`
      CREATE TABLE notes (id int, owner_id uuid);
      CREATE TABLE "Odd" (org_id uuid);
      CREATE POLICY once ON notes USING (owner_id = (SELECT auth.user_id()));
      CREATE POLICY writes ON notes FOR INSERT WITH CHECK (owner_id = auth.user_id());
    `);
    const parts = partsOf(database);
    expect(await run(parts, 'slow_policies')).toEqual({ status: 'ok' });
    await database.query(`
      CREATE POLICY mine ON notes USING (owner_id = auth.user_id());
      CREATE POLICY "Ours" ON "Odd" FOR SELECT USING (auth.in_org(org_id));
    `);
    const found = await run(parts, 'slow_policies');
    expect(found).toEqual({
      status: 'warn',
      code: 'policies_slow',
      message: expect.stringMatching(/: "Ours" on "Odd", mine on notes$/),
      remedy: expect.stringMatching(
        /ALTER POLICY mine ON notes USING \(\(owner_id = \(SELECT auth.user_id\(\)\)\)\);$/,
      ),
    });
    await database.query((found as { readonly remedy: string }).remedy.replace('In a migration: ', ''));
    expect(await run(parts, 'slow_policies')).toEqual({ status: 'ok' });
  });

  test('schema_cache', async () => {
    const { database } = await databaseWith('SELECT 1');
    const parts = partsOf(database);
    expect(await run(parts, 'schema_cache')).toEqual({ status: 'ok', message: 'not read yet' });
    await parts.schema.reload();
    expect(await run(parts, 'schema_cache')).toEqual({
      status: 'ok',
      message: expect.stringMatching(/read \d+ s ago/),
    });
    await database.query('CREATE TABLE notes (id int)');
    expect(await run(parts, 'schema_cache')).toMatchObject({ status: 'warn', code: 'schema_cache_stale' });
  });

  test('say what they need and what they vouch for', async () => {
    const { database } = await databaseWith('SELECT 1');
    expect(
      dataProbes(partsOf(database)).map(({ name, provides, dependsOn }) => ({ name, provides, dependsOn })),
    ).toEqual([
      { name: 'db_ping', provides: 'database', dependsOn: undefined },
      ...[
        'migrations',
        'roles',
        'rls',
        'grants',
        'definer_functions',
        'slow_policies',
        'schema_cache',
        'blocked_sessions',
      ].map((name) => ({
        name,
        provides: undefined,
        dependsOn: ['database'],
      })),
    ]);
  });
});

/**
 * Roles are the whole server's, and other tests use them: what changes them is done by one login in a transaction that
 * nobody else sees.
 */
async function inTransaction(sql: string, look: (database: Database) => Promise<void>) {
  const { database } = await databaseWith('SELECT 1');
  const connection = await database.connect();
  try {
    await connection.query('BEGIN');
    await connection.query(sql);
    await look({ query: (text, values) => connection.query(text, values) } as Database);
  } finally {
    await connection.query('ROLLBACK');
    connection.release();
  }
}

describe('roles', () => {
  const problems = (sql: string, code: RegExp, message: RegExp) =>
    inTransaction(sql, async (database) => {
      expect(await run(partsOf(database), 'roles')).toMatchObject({
        status: 'fail',
        code: 'roles_unfit',
        message: expect.stringMatching(message),
        remedy: expect.stringMatching(code),
      });
    });

  const refusesToStart = (sql: string, statement: RegExp) =>
    inTransaction(sql, async (database) => {
      const context = { logger: silentLogger, clock: systemClock, database, tokens: testTokens };
      await expect(createData(parseDataConfig({}), context).start()).rejects.toThrow(statement);
    });

  test('that are members of others are named with their remedy, and the start refused', async () => {
    await inTransaction('SELECT 1', async (database) => {
      expect(await run(partsOf(database), 'roles')).toEqual({ status: 'ok' });
    });
    const membership = 'CREATE ROLE "test ""owner"""; GRANT "test ""owner""" TO reactor_anon';
    await problems(membership, /REVOKE "test ""owner""" FROM reactor_anon;/, /has the rights of test "owner"/);
    await refusesToStart(membership, /REVOKE "test ""owner""" FROM reactor_anon;/);
  });

  test('that may not call what requests call are named, and may again after a start', async () => {
    const sql = 'REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA auth FROM PUBLIC';
    await problems(sql, /GRANT EXECUTE ON FUNCTION auth\.bounded.* TO reactor_anon;/, /reactor_anon may not call auth/);
    await inTransaction(sql, async (database) => {
      expect(await ensureRoles(database)).toHaveLength(2);
      expect(await run(partsOf(database), 'roles')).toEqual({ status: 'ok' });
    });
  });

  test('that are gone or lack something are named, and made good at start', async () => {
    for (const [sql, message] of [
      ['ALTER ROLE reactor_anon RENAME TO reactor_anon_gone', /reactor_anon does not exist/],
      ['REVOKE USAGE ON SCHEMA auth FROM reactor_anon', /reactor_anon may not use the schemas/],
    ] as const) {
      await problems(sql, /CALL reactor_data.prepare_role\('reactor_anon', '.+'\);/, message);
      await inTransaction(`CREATE TABLE notes (id int); ${sql}`, async (database) => {
        expect(await ensureRoles(database)).toMatchObject([{ message: expect.stringMatching(message) }]);
        expect(await run(partsOf(database), 'roles')).toEqual({ status: 'ok' });
        // Nothing on tables, now or later: that follows row-level security.
        await database.query('CREATE TABLE later (id int)');
        const { rows } = await database.query(
          `SELECT has_table_privilege('reactor_anon', 'notes', 'SELECT') AS notes,
             has_table_privilege('reactor_anon', 'later', 'SELECT') AS later`,
        );
        expect(rows).toEqual([{ notes: false, later: false }]);
      });
    }
  });

  test('that are gone while requests come are the fault of nobody who asks', async () => {
    await inTransaction('ALTER ROLE reactor_anon RENAME TO reactor_anon_gone', async (database) => {
      const error = await database.query("SELECT set_config('role', 'reactor_anon', true)").catch((thrown) => thrown);
      expect(error).toMatchObject({ code: '22023' });
      expect(fromSqlError(error, { kind: 'anonymous' })).toMatchObject({ status: 500, code: 'internal_error' });
    });
  });

  test('that policies do not bind are named with their remedy', async () => {
    const { database } = await databaseWith('SELECT 1');
    const unbind = 'ALTER ROLE reactor_authenticated BYPASSRLS';
    const superuser = await database.query('SELECT FROM pg_roles WHERE rolname = current_user AND rolsuper');
    if (superuser.rowCount === 0) {
      // Nobody but a superuser can bring it about.
      await expect(database.query(unbind)).rejects.toMatchObject({ code: '42501' });
      return;
    }
    const statement = /ALTER ROLE reactor_authenticated NOSUPERUSER NOBYPASSRLS;/;
    await problems(unbind, statement, /not bound by row-level security/);
    await refusesToStart(unbind, statement);
  });

  test('that the login may not become are named with their remedy', async () => {
    await inTransaction(
      'CREATE ROLE "test login"; GRANT "test login" TO CURRENT_USER; SET LOCAL ROLE "test login"',
      async (database) => {
        expect(await run(partsOf(database), 'roles')).toMatchObject({
          status: 'fail',
          remedy: expect.stringContaining(
            'GRANT reactor_anon TO "test login"; GRANT reactor_authenticated TO "test login";',
          ),
        });
      },
    );
  });

  test('that belong to another login stop the migration, which says what to run', async () => {
    // Makes the roles, so that they are somebody else's.
    const { database } = await databaseWith('SELECT 1');
    const { rows } = await database.query<{ major: number }>(
      "SELECT current_setting('server_version_num')::int / 10000 AS major",
    );
    await inTransaction(
      `CREATE ROLE "test login" CREATEROLE; GRANT "test login" TO CURRENT_USER;
       GRANT USAGE ON SCHEMA reactor_data TO "test login"; SET LOCAL ROLE "test login"`,
      async (connection) => {
        const prepare = connection.query("CALL reactor_data.prepare_role('reactor_anon', current_user)");
        // Until 16, CREATEROLE was enough to grant any role.
        if ((rows[0]?.major ?? 0) < 16) await prepare;
        else await expect(prepare).rejects.toThrow('GRANT reactor_anon TO "test login";');
      },
    );
  });
});
