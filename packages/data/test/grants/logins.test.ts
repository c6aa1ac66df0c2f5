import type { Database } from '@reactor/core';
import { expect, test } from 'vitest';
import { grantsProbe } from '../../src/grants/probe.js';
import { ensureRoles } from '../../src/roles.js';
import { applyMigrations, databaseWith } from '../support/database.js';
import { databaseOfLogin } from '../support/login.js';
import { grantsOn, OPEN, privilegesOf } from '../support/privileges.js';

const RULES = { anonymousFunctions: false };
const TABLE = 'CREATE TABLE t (id serial); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE TABLE open (id int)';
const MINE = { t: OPEN, t_id_seq: 'authenticated=U' };

/** As a server starts on it. */
async function start(database: Database) {
  await applyMigrations(database);
  await ensureRoles(database);
  await grantsOn(database).reconcile();
}

test('a plain login starts where an administrator has made the roles', async () => {
  // Makes the roles.
  await databaseWith('SELECT 1');
  const { database, admin, login } = await databaseOfLogin('');
  await admin.query(`GRANT reactor_anon, reactor_authenticated TO ${login}`);
  await start(database);
  await database.query(TABLE);
  await grantsOn(database).reconcile();
  expect(await privilegesOf(database)).toEqual(MINE);
  expect(await grantsProbe(database, RULES)).toEqual({ status: 'ok' });
});

test('what belongs to others is passed over, and named', async () => {
  await databaseWith('SELECT 1');
  const { database, admin, login } = await databaseOfLogin('CREATEROLE');
  await admin.query(`GRANT reactor_anon, reactor_authenticated TO ${login} WITH ADMIN OPTION`);
  await start(database);
  await admin.query(`
    CREATE TABLE theirs (id serial); ALTER TABLE theirs ENABLE ROW LEVEL SECURITY;
    CREATE FUNCTION their_function() RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE TABLE granted (id int); GRANT SELECT ON granted TO reactor_anon`);
  await database.query(TABLE);
  await grantsOn(database).reconcile();
  expect(await privilegesOf(database)).toEqual({ ...MINE, granted: 'anon=r', their_function: 'PUBLIC=X' });
  expect(await grantsProbe(database, RULES)).toMatchObject({
    status: 'warn',
    message:
      'Granted by the app, although no policy applies: table granted (reactor_anon SELECT); ' +
      'Owned by another login, which alone may grant and revoke there: table theirs, function their_function()',
  });
});

test('two installations on one server leave each other alone', async () => {
  const [one, other] = [(await databaseWith(TABLE)).database, (await databaseWith(TABLE)).database];
  await grantsOn(one).reconcile();
  expect(await privilegesOf(other)).toEqual({});
  await grantsOn(other).reconcile();
  await one.query('ALTER TABLE t DISABLE ROW LEVEL SECURITY');
  await grantsOn(one).reconcile();
  expect(await privilegesOf(one)).toEqual({});
  expect(await privilegesOf(other)).toEqual(MINE);
  // A third one comes, on tables that are there.
  await databaseWith('SELECT 1', TABLE);
  expect(await privilegesOf(other)).toEqual(MINE);
});
