import { type Database, silentLogger } from '@reactor/core';
import { expect, test } from 'vitest';
import { definersProbe } from '../../src/grants/definers.js';
import { AppMigrations } from '../../src/index.js';
import { databaseWith } from '../support/database.js';
import { grantsOn } from '../support/privileges.js';

const F = `CREATE FUNCTION f(n int) RETURNS boolean LANGUAGE sql SECURITY DEFINER AS 'SELECT true'`;
const CLOSE = 'REVOKE EXECUTE ON FUNCTION f FROM PUBLIC';
const TO_USERS = 'GRANT EXECUTE ON FUNCTION f TO reactor_authenticated';
const TO_ANYBODY = 'GRANT EXECUTE ON FUNCTION f TO reactor_anon';

const BY_DEFAULT = {
  status: 'warn',
  code: 'definer_functions_by_default',
  message: 'SECURITY DEFINER functions that anybody who is signed in may call by default: f(integer)',
  remedy: expect.stringMatching(/in a migration: REVOKE EXECUTE .* FROM PUBLIC; .* GRANT EXECUTE .* TO reactor_auth/),
};
const OPEN = {
  status: 'warn',
  code: 'definer_functions_open',
  message: 'SECURITY DEFINER functions that anybody may call without signing in: f(integer)',
};
const OK = { status: 'ok' };

function actionsOn(database: Database) {
  const migrations = new AppMigrations({ database, logger: silentLogger, onApplied: () => {} });
  const files: { name: string; sql: string }[] = [];
  return {
    /** Of the app. */
    migrate: async (sql: string) => {
      files.push({ name: String(files.length + 1), sql });
      await migrations.apply(files);
    },
    /** By hand; the server learns of it afterwards. */
    psql: async (sql: string) => {
      await database.query(sql);
      await grantsOn(database).reconcile();
    },
    setting: () => grantsOn(database, true).reconcile(),
  };
}

type Actions = ReturnType<typeof actionsOn>;

test.for<readonly [string, (actions: Actions) => Promise<unknown>, object]>([
  ['that a file made', ({ migrate }) => migrate(F), BY_DEFAULT],
  ['that was made by hand', ({ psql }) => psql(F), BY_DEFAULT],
  ['that its file closed', ({ migrate }) => migrate(`${F}; ${CLOSE}`), OK],
  ['that its file granted', ({ migrate }) => migrate(`${F}; ${TO_USERS}`), OK],
  ['that a later file closed', ({ migrate }) => migrate(F).then(() => migrate(CLOSE)), OK],
  [
    'that a later file closed and granted',
    ({ migrate }) => migrate(F).then(() => migrate(`${CLOSE}; ${TO_USERS}`)),
    OK,
  ],
  [
    'that was closed by hand',
    ({ psql }) => psql(F).then(() => psql(`${TO_USERS.replace('GRANT', 'REVOKE').replace(' TO ', ' FROM ')}`)),
    OK,
  ],
  // PostgreSQL keeps nothing of a GRANT of what is there.
  ['that was granted by hand afterwards', ({ psql }) => psql(F).then(() => psql(TO_USERS)), BY_DEFAULT],
  ['that is for anybody by a setting', ({ migrate, setting }) => migrate(F).then(setting), OPEN],
  ['that is for anybody by a GRANT', ({ migrate }) => migrate(`${F}; ${TO_USERS}; ${TO_ANYBODY}`), OK],
  [
    'that a policy names',
    ({ migrate }) => migrate(`${F}; CREATE TABLE t (a int); CREATE POLICY p ON t USING (f(a))`),
    OK,
  ],
  ['that is no definer’s', ({ migrate }) => migrate(F.replace('SECURITY DEFINER', '')), OK],
])('doctor on a function %s', async ([, act, expected]) => {
  const { database } = await databaseWith('SELECT 1');
  await act(actionsOn(database));
  expect(await definersProbe(database)).toMatchObject(expected);
  // The next start changes nothing of it.
  if (expected !== OPEN) await grantsOn(database).reconcile();
  expect(await definersProbe(database)).toMatchObject(expected);
});

test('doctor names both kinds at once', async () => {
  const { database } = await databaseWith(F);
  await grantsOn(database).reconcile();
  await database.query(F.replace(' f(', ' g('));
  expect(await definersProbe(database)).toMatchObject({
    code: 'definer_functions_open',
    message: `${OPEN.message.replace('f(', 'g(')}; ${BY_DEFAULT.message}`,
  });
});
