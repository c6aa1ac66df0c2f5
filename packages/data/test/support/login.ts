import { randomBytes } from 'node:crypto';
import { silentLogger, systemClock } from '@reactor/core';
import { openDatabase, type PostgresDatabase } from '@reactor/postgres';
import { createTestDatabase, type TestDatabase } from '@reactor/testing';
import { onTestFinished } from 'vitest';

export interface LoginDatabase {
  /** As the login that owns the database. */
  readonly database: PostgresDatabase;
  /** The same database as an administrator. */
  readonly admin: PostgresDatabase;
  /** Quoted. */
  readonly login: string;
}

/** An empty database that belongs to a login of its own. @param attributes such as `CREATEROLE` */
export async function databaseOfLogin(attributes: string): Promise<LoginDatabase> {
  const test: TestDatabase = await createTestDatabase();
  const name = `test_login_${randomBytes(4).toString('hex')}`;
  const admin = test.database;
  await admin.query(`CREATE ROLE ${name} LOGIN PASSWORD 'of the test' ${attributes}`);
  await admin.query(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO ${name}', current_database()); END $$`);
  const connectionString = test.connectionString.replace(/\/\/[^@/]*@/, `//${name}:of%20the%20test@`);
  const database = openDatabase({ connectionString, logger: silentLogger, clock: systemClock });
  onTestFinished(async () => {
    await database.close();
    // Roles outlive the database that is dropped: what it has there goes first.
    await admin.query(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO %I', current_database(), current_user); END $$;
      DROP OWNED BY ${name} CASCADE; DROP ROLE ${name}`);
  });
  return { database, admin, login: name };
}
