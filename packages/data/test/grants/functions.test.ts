import { describe, expect, test } from 'vitest';
import { createTestData, jsonBody } from '../support/data.js';
import { databaseWith } from '../support/database.js';
import { grantsOn, privilegesOf } from '../support/privileges.js';

const SAFE = 'ENABLE ROW LEVEL SECURITY';
const CLOSED = 'authenticated=X';
const NEEDED = 'anon=X authenticated=X';

const fn = (name: string, args = 'a int', returns = 'boolean', body = 'SELECT true') =>
  `CREATE FUNCTION ${name}(${args}) RETURNS ${returns} LANGUAGE sql IMMUTABLE AS $$ ${body} $$;`;

async function functionsAfter(sql: string, anonymousFunctions = false) {
  const { database } = await databaseWith(sql);
  await grantsOn(database, anonymousFunctions).reconcile();
  const privileges = await privilegesOf(database);
  const rows = await database.query<{ name: string }>(
    "SELECT proname::text AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
  );
  const functions = Object.fromEntries(rows.rows.map(({ name }) => [name, privileges[name] ?? '']));
  return { database, functions };
}

describe('EXECUTE', () => {
  test('is taken from PUBLIC by name, and given to who is signed in', async () => {
    const { functions } = await functionsAfter(`
      ${fn('plain')} ${fn('plain', 'a text')}
      ${fn('definer').replace('LANGUAGE', 'SECURITY DEFINER LANGUAGE')}
      CREATE PROCEDURE act() LANGUAGE sql AS 'SELECT 1';
      CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int);
      CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      ${fn('to_anon')} GRANT EXECUTE ON FUNCTION to_anon TO reactor_anon;
      ${fn('closed')} REVOKE EXECUTE ON FUNCTION closed FROM PUBLIC;
      ${fn('for_anon')} REVOKE EXECUTE ON FUNCTION for_anon FROM PUBLIC; GRANT EXECUTE ON FUNCTION for_anon TO reactor_anon;`);
    expect(functions).toEqual({
      act: CLOSED,
      closed: '',
      definer: CLOSED,
      for_anon: 'anon=X',
      on_change: '',
      plain: CLOSED,
      to_anon: NEEDED,
      total: CLOSED,
    });
  });

  test('of an extension is left alone, whose operators go on', async () => {
    const { database } = await databaseWith('CREATE EXTENSION citext; CREATE EXTENSION pg_trgm');
    const acls = async () =>
      (await database.query("SELECT json_agg(proacl) AS acls FROM pg_proc WHERE pronamespace = 'public'::regnamespace"))
        .rows;
    const before = await acls();
    await grantsOn(database).reconcile();
    expect(await acls()).toEqual(before);
    await database.query(
      `BEGIN; SET LOCAL ROLE reactor_anon; SELECT 'A'::citext = 'a', similarity('ab', 'abc'); COMMIT`,
    );
  });

  test.for([
    ['a policy', `CREATE POLICY p ON t USING (needed(a))`],
    ['a check of a policy', `CREATE POLICY p ON t FOR INSERT WITH CHECK (needed(a))`],
    ['a view', `CREATE VIEW v WITH (security_invoker) AS SELECT needed(a) FROM t`],
    [
      'a view below a view',
      `CREATE VIEW w AS SELECT needed(a) FROM t; CREATE VIEW v AS SELECT * FROM w; GRANT SELECT ON v TO reactor_anon`,
    ],
    ['a default', `ALTER TABLE t ADD b boolean DEFAULT needed(1)`],
    ['a generated column', `ALTER TABLE t ADD b boolean GENERATED ALWAYS AS (needed(a)) STORED`],
    ['a check', `ALTER TABLE t ADD CHECK (needed(a))`],
    ['a domain', `CREATE DOMAIN d AS int CHECK (needed(VALUE)); ALTER TABLE t ADD b d`],
    ['an array of a domain', `CREATE DOMAIN d AS int CHECK (needed(VALUE)); ALTER TABLE t ADD b d[]`],
    [
      'a composite with a domain',
      `CREATE DOMAIN d AS int CHECK (needed(VALUE)); CREATE TYPE c AS (x d); ALTER TABLE t ADD b c`,
    ],
    ['an index', `CREATE INDEX ON t (needed(a))`],
    ['the predicate of an index', `CREATE INDEX ON t (a) WHERE needed(a)`],
    [
      'a condition of a trigger',
      `CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER x BEFORE UPDATE ON t FOR EACH ROW WHEN (needed(NEW.a)) EXECUTE FUNCTION tr()`,
    ],
    ['an operator', `CREATE OPERATOR public.!! (RIGHTARG = int, FUNCTION = needed); CREATE POLICY p ON t USING (!! a)`],
    [
      'a function with a body of SQL',
      `CREATE FUNCTION outer_one(a int) RETURNS boolean LANGUAGE sql RETURN needed(a);
      CREATE POLICY p ON t USING (outer_one(a))`,
    ],
    [
      'a policy of a table in another schema',
      `CREATE SCHEMA s; CREATE TABLE s.u (a int); GRANT SELECT ON s.u TO reactor_anon;
      CREATE POLICY p ON s.u USING (needed(a))`,
    ],
    [
      'a column that may be read',
      `CREATE TABLE u (a int, b int CHECK (needed(b))); GRANT SELECT (a) ON u TO reactor_anon`,
    ],
  ] as const)('stays with who reads what names it: %s', async ([, sql]) => {
    const { functions } = await functionsAfter(
      `CREATE TABLE t (a int); ALTER TABLE t ${SAFE}; ${fn('needed')} ${fn('other')} ${sql}`,
    );
    expect(functions).toMatchObject({ needed: NEEDED, other: CLOSED });
  });

  test.for([
    ['a policy of a table that nobody reads', `CREATE TABLE u (a int); CREATE POLICY p ON u USING (f(a))`],
    ['an owner’s view', `CREATE VIEW v AS SELECT f(a) FROM t`],
    ['a materialized view', `CREATE MATERIALIZED VIEW v AS SELECT f(a) FROM t`],
    [
      'what a definer’s function calls',
      `CREATE FUNCTION outer_one(a int) RETURNS boolean LANGUAGE sql SECURITY DEFINER RETURN f(a);
      CREATE POLICY p ON t USING (outer_one(a))`,
    ],
    [
      'a trigger without a condition',
      `CREATE FUNCTION tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
      CREATE TRIGGER x BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tr()`,
    ],
  ] as const)('does not stay for %s', async ([, sql]) => {
    const { functions } = await functionsAfter(`CREATE TABLE t (a int); ALTER TABLE t ${SAFE}; ${fn('f')} ${sql}`);
    expect(functions).toMatchObject({ f: CLOSED });
  });

  test('what is needed works, stays with others who read, and ends with the need', async () => {
    const { database } = await databaseWith(
      `
      CREATE TABLE t (a int); ALTER TABLE t ${SAFE}; INSERT INTO t VALUES (1); ${fn('needed')}
      CREATE POLICY p ON t USING (needed(a));
      ${fn('needed2')} CREATE VIEW to_all AS SELECT needed2(1) FROM (SELECT 1) x`,
    );
    await database.query('GRANT SELECT ON to_all TO PUBLIC');
    const grants = grantsOn(database);
    await grants.reconcile();
    await database.query('BEGIN; SET LOCAL ROLE reactor_anon; SELECT * FROM t; SELECT * FROM to_all; COMMIT');
    expect(await privilegesOf(database)).toMatchObject({ needed: NEEDED, needed2: 'PUBLIC=X authenticated=X' });
    await database.query('DROP POLICY p ON t; DROP VIEW to_all');
    await grants.reconcile();
    expect(await privilegesOf(database)).toMatchObject({ needed: CLOSED, needed2: CLOSED });
    await database.query('CREATE POLICY p ON t USING (needed(a))');
    await grants.reconcile();
    expect(await privilegesOf(database)).toMatchObject({ needed: NEEDED });
  });

  test('goes to anonymous callers by data.anonymous_functions, and back; what the app said stays', async () => {
    const { database, functions } = await functionsAfter(
      `${fn('plain')} ${fn('closed')} REVOKE EXECUTE ON FUNCTION closed FROM PUBLIC; ${fn('granted')}
       GRANT EXECUTE ON FUNCTION granted TO reactor_anon; ${fn('revoked')}`,
      true,
    );
    expect(functions).toEqual({ closed: '', granted: NEEDED, plain: NEEDED, revoked: NEEDED });
    await database.query('REVOKE EXECUTE ON FUNCTION revoked FROM reactor_anon');
    const after = async (anonymousFunctions: boolean) => {
      await grantsOn(database, anonymousFunctions).reconcile();
      return privilegesOf(database);
    };
    expect(await after(true)).toEqual({ granted: NEEDED, plain: NEEDED, revoked: CLOSED });
    expect(await after(false)).toEqual({ granted: NEEDED, plain: CLOSED, revoked: CLOSED });
    expect(await after(true)).toEqual({ granted: NEEDED, plain: NEEDED, revoked: CLOSED });
    // Opened to everybody by the app, after us.
    await database.query('GRANT EXECUTE ON FUNCTION plain TO PUBLIC');
    expect(await after(false)).toMatchObject({ plain: 'PUBLIC=X authenticated=X' });
  });
});

test('what was made while privileges cannot be settled is not served until they are', async () => {
  const { as, database } = await createTestData('SELECT 1');
  const migration = await database.connect();
  // As a migration that takes long.
  await migration.query('BEGIN; SELECT pg_advisory_xact_lock(4611922903281378)');
  await database.query(`CREATE TABLE vault (text text); INSERT INTO vault VALUES ('secret');
    CREATE FUNCTION open_vault() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT text FROM public.vault'`);
  const call = async (token?: string) => (await as(token)('POST', '/rpc/open_vault', jsonBody({}))).status;
  expect(await call()).toBe(404);
  expect(await call('alice')).toBe(404);
  await migration.query('COMMIT');
  migration.release();
  await expect.poll(() => call('alice'), { timeout: 10_000 }).toBe(200);
  expect(await call()).toBe(401);
});
