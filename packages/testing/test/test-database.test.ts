import { expect, test } from 'vitest';
import { createTestDatabase } from '../src/index.js';

test('each call makes an empty database of its own', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  await one.database.query('CREATE TABLE only_here (id int)');
  const { rows } = await other.database.query("SELECT to_regclass('only_here') AS found");
  expect(rows).toEqual([{ found: null }]);
  expect(one.connectionString).not.toBe(other.connectionString);
});

test('drop cuts those who are still connected, and may be called twice', async () => {
  const { database, connectionString, drop } = await createTestDatabase();
  const name = connectionString.match(/reactor_test_\w+/)?.[0];
  await database.query('SELECT 1');
  await Promise.all([drop(), drop()]);
  const other = await createTestDatabase();
  const { rows } = await other.database.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
  expect(rows).toEqual([]);
});
