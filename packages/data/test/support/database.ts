import { loadMigrations } from '@reactor/core/node';
import { createTestDatabase, type TestDatabase } from '@reactor/testing';
import { onTestFinished } from 'vitest';

/** A database of the running test with the roles, functions and tables of data, and then `sql`. */
export async function databaseWith(sql: string): Promise<TestDatabase> {
  const test = await createTestDatabase();
  onTestFinished(test.drop);
  for (const migration of loadMigrations(new URL('../../migrations/', import.meta.url))) {
    await test.database.query(migration.sql);
  }
  await test.database.query(sql);
  return test;
}
