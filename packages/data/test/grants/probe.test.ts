import { expect, test } from 'vitest';
import { grantsProbe } from '../../src/grants/probe.js';
import { databaseWith } from '../support/database.js';
import { grantsOn } from '../support/privileges.js';

const SAFE = 'ENABLE ROW LEVEL SECURITY';

async function setUp(sql: string, before?: string) {
  const { database } = await databaseWith(sql, before);
  const grants = grantsOn(database);
  const look = () => grantsProbe(database, { anonymousFunctions: false });
  return { database, grants, look };
}

test('privileges that do not follow are named with their remedy', async () => {
  const { database, grants, look } = await setUp(`CREATE TABLE t (id int); ALTER TABLE t ${SAFE};
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
  expect(await look()).toEqual({
    status: 'warn',
    code: 'grants_pending',
    message: 'Privileges are not as row-level security requires: table t, function f()',
    remedy: expect.stringContaining('POST /data/v1/_admin/reload'),
  });
  await grants.reconcile();
  expect(await look()).toEqual({ status: 'ok' });
  await database.query(`ALTER TABLE t DISABLE ROW LEVEL SECURITY; CREATE VIEW v AS SELECT * FROM t;
    GRANT SELECT ON v TO PUBLIC; GRANT UPDATE (id) ON t TO reactor_anon`);
  expect(await look()).toMatchObject({
    code: 'grants_pending',
    message: expect.stringMatching(/requires: table t; Granted/),
  });
  await grants.reconcile();
  expect(await look()).toMatchObject({
    code: 'grants_without_row_security',
    message: 'Granted by the app, although no policy applies: table t (reactor_anon UPDATE), view v (PUBLIC SELECT)',
  });
});

test('what is withheld is named, some of many', async () => {
  const { grants, look } = await setUp(
    'SELECT 1',
    `DO $$ BEGIN FOR i IN 10..40 LOOP EXECUTE format('CREATE TABLE t%s (id serial)', i);
      EXECUTE format('ALTER TABLE t%s ${SAFE}', i); END LOOP; END $$; CREATE TABLE without (id int)`,
  );
  await grants.reconcile();
  expect(await look()).toMatchObject({
    status: 'warn',
    code: 'grants_withheld',
    message: expect.stringMatching(
      /^Withheld, because it was there before Reactor: table t10, .*, table t29 and 11 more$/,
    ),
    remedy: 'Run: reactor db expose <table…>; or reactor db expose --all.',
  });
});

test('default privileges of others are named', async () => {
  const { database, look } = await setUp('SELECT 1');
  await database.query('ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reactor_anon');
  expect(await look()).toMatchObject({
    code: 'grants_by_default',
    remedy: expect.stringMatching(/^Run as .*: ALTER DEFAULT PRIVILEGES FOR ROLE .* REVOKE ALL ON TABLES FROM/),
  });
});
