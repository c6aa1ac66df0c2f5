import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { createTestDatabase } from '../../testing/src/test-database.js';
import { checkPrivileges, DatabaseRequirementError } from '../src/index.js';
import { openPool, runSql } from './support/servers.js';

/** A database, and a login on it that has nothing but its name. */
async function plainLogin() {
  const { connectionString: adminUrl } = await createTestDatabase();
  // The capital and the space show whether the statements quote names.
  const role = `Plain ${randomBytes(4).toString('hex')}`;
  await runSql(adminUrl, `CREATE ROLE "${role}" LOGIN PASSWORD 'plain'`);
  onTestFinished(() => runSql(adminUrl, `DROP OWNED BY "${role}" CASCADE; DROP ROLE "${role}"`));
  const url = adminUrl.replace(/\/\/[^@/]*@/, `//${encodeURIComponent(role)}:plain@`);
  return { adminUrl, role, database: openPool(url) };
}

test('a superuser may do everything', async () => {
  const { database } = await createTestDatabase();
  await expect(checkPrivileges(database)).resolves.toBeUndefined();
});

test('a login without privileges gets the statements that mend it, and they do', async () => {
  const { adminUrl, role, database } = await plainLogin();
  const wanted = [`wanted_${randomBytes(4).toString('hex')}`, 'pg_monitor'];
  onTestFinished(() => runSql(adminUrl, `DROP ROLE IF EXISTS ${wanted[0]}`));
  const refusal = await checkPrivileges(database, wanted).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(DatabaseRequirementError);
  const { sql, message } = refusal as DatabaseRequirementError;
  expect(sql).toEqual([
    `CREATE ROLE ${wanted[0]} NOLOGIN NOINHERIT;`,
    `GRANT ${wanted[0]} TO "${role}";`,
    `GRANT pg_monitor TO "${role}";`,
    expect.stringMatching(/^GRANT CREATE ON DATABASE reactor_test_\w+ TO "Plain /),
    `GRANT USAGE, CREATE ON SCHEMA public TO "${role}";`,
  ]);
  for (const statement of sql) expect(message).toContain(statement);

  await runSql(adminUrl, sql.join('\n'));
  await expect(checkPrivileges(database, wanted)).resolves.toBeUndefined();
});

test('a login that may make roles is not asked to have them', async () => {
  const { adminUrl, role, database } = await plainLogin();
  await runSql(adminUrl, `ALTER ROLE "${role}" CREATEROLE`);
  const { sql } = (await checkPrivileges(database, ['reactor_missing']).catch((error: unknown) => error)) as {
    sql: string[];
  };
  expect(sql).not.toContainEqual(expect.stringContaining('ROLE'));
});

test('only what is missing is asked for', async () => {
  const { adminUrl, role, database } = await plainLogin();
  await runSql(adminUrl, `ALTER ROLE "${role}" CREATEROLE; DROP SCHEMA public`);
  await runSql(
    adminUrl,
    `DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO "${role}"', current_database()); END $$`,
  );
  await expect(checkPrivileges(database)).rejects.toMatchObject({
    sql: [`CREATE SCHEMA public AUTHORIZATION "${role}";`],
  });
});

test('CREATE in a schema that the login may not look into is not enough', async () => {
  const { adminUrl, role, database } = await plainLogin();
  await runSql(adminUrl, `REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT CREATE ON SCHEMA public TO "${role}"`);
  await expect(checkPrivileges(database)).rejects.toMatchObject({
    sql: expect.arrayContaining([`GRANT USAGE, CREATE ON SCHEMA public TO "${role}";`]),
  });
});

test('a server older than 15 is refused', async () => {
  const old = {
    query: async () => ({ rows: [{ version: '14.12', version_num: 140_012, is_superuser: true }], rowCount: 1 }),
  };
  await expect(checkPrivileges(old as never)).rejects.toThrow(
    'PostgreSQL 14.12 is too old. Use PostgreSQL 15 or newer.',
  );
});
