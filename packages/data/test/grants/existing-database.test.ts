import { describe, expect, test } from 'vitest';
import { createTestData, jsonBody } from '../support/data.js';
import { applyMigrations, databaseWith } from '../support/database.js';
import { grantsOn, OPEN, privilegesOf } from '../support/privileges.js';

const SAFE = 'ENABLE ROW LEVEL SECURITY';

const APP = `
  CREATE TABLE orders (id serial PRIMARY KEY, total int); ALTER TABLE orders ${SAFE};
  CREATE FUNCTION shown(t int) RETURNS boolean LANGUAGE sql AS 'SELECT true';
  CREATE POLICY p ON orders USING (shown(total));
  CREATE TABLE "Customers" (id int); ALTER TABLE "Customers" ${SAFE};
  CREATE TABLE logs (id int);
  CREATE VIEW totals WITH (security_invoker) AS SELECT total FROM orders;
  CREATE VIEW everything AS SELECT * FROM orders;
  CREATE MATERIALIZED VIEW kept AS SELECT * FROM orders;
  CREATE FUNCTION report() RETURNS int LANGUAGE sql AS 'SELECT 1';
  CREATE FUNCTION closed() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION closed FROM PUBLIC;
  CREATE FUNCTION on_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  INSERT INTO orders (total) VALUES (1);
`;

async function setUp() {
  const data = await createTestData('SELECT 1', { before: APP });
  const expose = (body: unknown) => data.as('admin')('POST', '/_admin/expose', jsonBody(body));
  const restart = async () => {
    await grantsOn(data.database).reconcile();
    return privilegesOf(data.database);
  };
  return { ...data, expose, restart };
}

describe('a database that is older than Reactor', () => {
  test('gets nothing granted, at the first start and at the next', async () => {
    const { database, as, restart } = await setUp();
    expect(await privilegesOf(database)).toEqual({});
    expect(await restart()).toEqual({});
    expect((await as('alice')('GET', '/orders')).status).toBe(403);
    expect((await as('alice')('GET', '/rpc/report')).status).toBe(403);
    // Row-level security alone opens nothing that was withheld; what is new is as everywhere.
    await database.query(`ALTER TABLE logs ${SAFE}; CREATE TABLE later (id int); ALTER TABLE later ${SAFE}`);
    expect(await restart()).toEqual({ later: OPEN });
  });

  test('keeps what the app had granted to the roles', async () => {
    await databaseWith('SELECT 1');
    const { database } = await databaseWith(
      'SELECT 1',
      `CREATE TABLE t (id int); GRANT INSERT ON t TO reactor_authenticated; CREATE TABLE u (id int); GRANT SELECT ON u TO PUBLIC`,
    );
    await grantsOn(database).reconcile();
    expect(await privilegesOf(database)).toEqual({ t: 'authenticated=a', u: 'PUBLIC=r' });
  });

  test('is exposed by name', async () => {
    const { as, expose, restart } = await setUp();
    expect(await (await expose({ names: ['orders', 'report'] })).json()).toEqual({
      exposed: [
        {
          name: 'orders',
          kind: 'table',
          privileges: 'reactor_anon SELECT; reactor_authenticated INSERT, SELECT, UPDATE, DELETE',
        },
        { name: 'report()', kind: 'function', privileges: 'reactor_authenticated EXECUTE' },
      ],
      already: [],
      skipped: [],
    });
    const exposed = {
      orders: OPEN,
      orders_id_seq: 'authenticated=U',
      report: 'authenticated=X',
      // The policy of a table that both may read.
      shown: 'anon=X authenticated=X',
    };
    expect(await restart()).toEqual(exposed);
    expect(await (await as('alice')('GET', '/orders?select=total')).json()).toEqual([{ total: 1 }]);
    expect(await (await as(undefined)('GET', '/orders?select=total')).json()).toEqual([{ total: 1 }]);
    expect(await (await expose({ names: ['orders'] })).json()).toEqual({
      exposed: [],
      already: [
        {
          name: 'orders',
          kind: 'table',
          privileges: 'reactor_anon SELECT; reactor_authenticated INSERT, SELECT, UPDATE, DELETE',
        },
      ],
      skipped: [],
    });
    expect(await restart()).toEqual(exposed);
  });

  test('says of what is open already for whom it is', async () => {
    const { database, expose, restart } = await setUp();
    await database.query(`
      CREATE FUNCTION hello() RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE FUNCTION to_all() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION to_all TO reactor_anon;
      CREATE FUNCTION revoked() RETURNS int LANGUAGE sql AS 'SELECT 1';
      CREATE TABLE told (id int); ALTER TABLE told ${SAFE}; GRANT SELECT ON told TO PUBLIC`);
    await restart();
    await database.query('REVOKE EXECUTE ON FUNCTION revoked FROM reactor_authenticated');
    const answer = await expose({ names: ['hello', 'to_all', 'revoked', 'told'] });
    expect(((await answer.json()) as { already: unknown }).already).toEqual([
      { name: 'told', kind: 'table', privileges: expect.stringContaining('PUBLIC SELECT') },
      { name: 'hello()', kind: 'function', privileges: 'reactor_authenticated EXECUTE' },
      { name: 'revoked()', kind: 'function', privileges: '' },
      {
        name: 'to_all()',
        kind: 'function',
        privileges: 'reactor_anon EXECUTE; reactor_authenticated EXECUTE',
      },
    ]);
  });

  test('or all at once, but for what no policy protects', async () => {
    const { expose, restart } = await setUp();
    const first = (await (await expose({ all: true })).json()) as Record<string, { name: string; reason: string }[]>;
    expect(first.exposed?.map(({ name }) => name).sort()).toEqual([
      'Customers',
      'orders',
      'report()',
      'shown(t integer)',
      'totals',
    ]);
    expect(first.skipped?.map(({ name, reason }) => [name, reason])).toEqual([
      ['everything', expect.stringContaining('ALTER VIEW public.everything SET (security_invoker = true)')],
      ['kept', 'a materialized view cannot have policies'],
      ['logs', 'row-level security is off: ALTER TABLE public.logs ENABLE ROW LEVEL SECURITY'],
      ['closed()', 'EXECUTE is revoked from PUBLIC: GRANT EXECUTE ON ROUTINE public.closed() TO reactor_authenticated'],
    ]);
    const all = await restart();
    expect(all).toMatchObject({ Customers: OPEN, orders: OPEN, totals: OPEN });
    const second = (await (await expose({ all: true })).json()) as Record<string, unknown[]>;
    expect([second.exposed, second.skipped?.length]).toEqual([[], 4]);
    expect(await restart()).toEqual(all);
  });

  test('stays as it is where a name is wrong, and is the operator’s alone', async () => {
    const { as, expose, restart } = await setUp();
    for (const [body, message] of [
      [{ names: ['orders', 'nothing "here"', 'pg_class'] }, /called "nothing \\"here\\"", "pg_class"/],
      [{}, /Send either/],
      [{ names: ['orders'], all: true }, /Send either/],
      [{ names: [] }, /names/],
      [{ tables: ['orders'] }, /./],
    ] as const) {
      const answer = await expose(body);
      const { error } = (await answer.json()) as { error: { code: string; message: string } };
      expect([answer.status, error.code], JSON.stringify(body)).toEqual([400, 'invalid_request']);
      expect(error.message).toMatch(message);
    }
    const long = await expose({ names: Array.from({ length: 1_100 }, () => 'x'.repeat(1_000)) });
    expect([long.status, await long.json()]).toMatchObject([413, { error: { code: 'payload_too_large' } }]);
    for (const token of ['alice', undefined]) {
      const answer = await as(token)('POST', '/_admin/expose', jsonBody({ all: true }));
      expect(answer.status).toBe(token === undefined ? 401 : 403);
    }
    const skipped = (await (await expose({ names: ['logs'] })).json()) as { skipped: unknown[] };
    expect(skipped.skipped).toHaveLength(1);
    expect(await restart()).toEqual({});
  });
});

test('an installation of the first release keeps what its policies protect', async () => {
  const { database } = await databaseWith('SELECT 1');
  await database.query(
    'DROP SCHEMA reactor_data CASCADE; DROP SCHEMA auth CASCADE; DROP EVENT TRIGGER IF EXISTS reactor_data_schema_change',
  );
  await applyMigrations(database, /^0001/);
  await database.query(`${APP.replace('INSERT', 'REVOKE DELETE ON orders FROM reactor_authenticated; INSERT')}
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT TRIGGER ON TABLES TO reactor_authenticated;`);
  expect(await privilegesOf(database)).toMatchObject({ logs: OPEN, kept: OPEN, everything: OPEN });
  await applyMigrations(database, /^000[02-9]/);
  await grantsOn(database).reconcile();
  const after = {
    Customers: OPEN,
    orders: 'anon=r authenticated=raw',
    orders_id_seq: 'authenticated=U',
    report: 'authenticated=X',
    shown: 'anon=X authenticated=X',
    totals: OPEN,
  };
  expect(await privilegesOf(database)).toEqual(after);
  await grantsOn(database).reconcile();
  expect(await privilegesOf(database)).toEqual(after);
  // Only what we gave by default is revoked.
  const { rows } = await database.query('SELECT defaclacl::text AS acl FROM pg_default_acl');
  expect(rows).toEqual([{ acl: expect.stringMatching(/^\{reactor_authenticated=t\/\w+\}$/) }]);
});
