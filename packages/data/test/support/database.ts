import type { Database } from '@reactor/core';
import { loadMigrations } from '@reactor/core/node';
import { createTestDatabase, type TestDatabase } from '@reactor/testing';

/**
 * A database of the running test or file with the roles, functions and tables of data, and then `sql`.
 * @param before what an app had there before Reactor came
 */
export async function databaseWith(sql: string, before?: string): Promise<TestDatabase> {
  const test = await createTestDatabase();
  if (before !== undefined) await test.database.query(before);
  await applyMigrations(test.database);
  await test.database.query(sql);
  return test;
}

/** Makes what data keeps in the database. @param ids which migrations; default all */
export async function applyMigrations(database: Database, ids: RegExp = /./): Promise<void> {
  for (const { id, sql } of loadMigrations(new URL('../../migrations/', import.meta.url))) {
    if (ids.test(id)) await database.query(sql);
  }
}
