import { describe, expect, test } from 'vitest';
import { planRead } from '../src/plan/index.js';
import { parseReadRequest } from '../src/query/index.js';
import { introspect, readSchema } from '../src/schema/introspect.js';
import { expectAnswers } from './support/answers.js';
import { createTestData } from './support/data.js';
import { databaseWith } from './support/database.js';

const TABLE = `
  CREATE TABLE t (id int PRIMARY KEY, a int, b int REFERENCES t);
  ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY anybody ON t USING (true);
  INSERT INTO t VALUES (1, 2, NULL), (2, 3, 1);
`;

/** PostgreSQL lets a view be replaced by one that reads it, and only says so when it is read. */
const CIRCLES: Readonly<Record<string, string>> = {
  itself: `
    CREATE VIEW v WITH (security_invoker) AS SELECT id, a, b FROM t;
    CREATE OR REPLACE VIEW v WITH (security_invoker) AS SELECT id, a, b FROM v`,
  'itself, with its columns exchanged': `
    CREATE VIEW v WITH (security_invoker) AS SELECT id, a, b FROM t;
    CREATE OR REPLACE VIEW v WITH (security_invoker) AS SELECT b AS id, id AS a, a AS b FROM v`,
  'one that reads it': `
    CREATE VIEW v WITH (security_invoker) AS SELECT id, a, b FROM t;
    CREATE VIEW w WITH (security_invoker) AS SELECT id, a, b FROM v;
    CREATE VIEW x WITH (security_invoker) AS SELECT id, a, b FROM w;
    CREATE OR REPLACE VIEW v WITH (security_invoker) AS SELECT id, a, b FROM x`,
  'itself beside a table': `
    CREATE VIEW v WITH (security_invoker) AS SELECT id, a, b FROM t;
    CREATE OR REPLACE VIEW v WITH (security_invoker) AS SELECT v.id, t.a, t.b FROM v JOIN t USING (id)`,
};

describe('a view of', () => {
  test.each(Object.entries(CIRCLES))('%s is an error of its own, and all else goes on', async (_, sql) => {
    const data = await createTestData(`${TABLE}; ${sql}`);
    await expectAnswers(data, [
      ['GET /v', '500 42P17 internal_error'],
      ['GET /t?select=id&order=id', [{ id: 1 }, { id: 2 }]],
      ['GET /t?select=id,t!b(id)&id=eq.1', [{ id: 1, t: [{ id: 2 }] }]],
      ['GET /v', '500 42P17 internal_error'],
    ]);
    for (const [method, path] of [
      ['POST', '/_admin/reload'],
      ['GET', '/_admin/types/typescript'],
      ['GET', '/'],
    ] as const) {
      expect([path, (await data.as('admin')(method, path)).status]).toEqual([path, 200]);
    }
  });
});

test('views on views, a thousand deep, are read by looking at each column once', async () => {
  const { database } = await databaseWith(`
    ${TABLE}; CREATE VIEW v0 WITH (security_invoker) AS SELECT * FROM t;
    DO $$ BEGIN FOR i IN 1..1000 LOOP
      EXECUTE format('CREATE VIEW v%s WITH (security_invoker) AS SELECT * FROM v%s', i, i - 1);
    END LOOP; END $$`);
  const { relations, foreignKeys } = await introspect(database, 'public');
  expect(relations.get('v1000')).toMatchObject({ rowSecurity: true, securityInvoker: true });
  expect(foreignKeys).toContainEqual(expect.objectContaining({ relation: 'v1000', referencedRelation: 't' }));
  await database.query('ALTER TABLE t DISABLE ROW LEVEL SECURITY');
  expect((await introspect(database, 'public')).relations.get('v1000')).toMatchObject({ rowSecurity: false });
});

test('views that fan out make no more keys than there is room for', async () => {
  const { database } = await databaseWith(`
    ${TABLE}; DO $$ BEGIN FOR i IN 1..600 LOOP
      EXECUTE format('CREATE VIEW v%s WITH (security_invoker) AS SELECT * FROM t', i);
    END LOOP; END $$`);
  const model = await introspect(database, 'public');
  // Both sides of the key are shown by all of them: with the table on one side, and not by each other.
  expect(model.foreignKeys).toHaveLength(2 * 600 + 1);
  const plan = () => planRead(model, 'v600', parseReadRequest(new URLSearchParams('select=id,nothing(id)')));
  expect(plan).toThrow('have no relationship');
});

test('row types within row types have a description of a sane length', async () => {
  const { as } = await createTestData(`
    CREATE TABLE r0 (a int, b int);
    DO $$ BEGIN FOR i IN 1..17 LOOP EXECUTE format('CREATE TABLE r%s (a r%s, b r%s)', i, i - 1, i - 1); END LOOP; END $$;
    CREATE DOMAIN d0 AS int;
    DO $$ BEGIN FOR i IN 1..500 LOOP EXECUTE format('CREATE DOMAIN d%s AS d%s', i, i - 1); END LOOP; END $$;
    CREATE TABLE domains (id d500)`);
  const answer = await as('admin')('GET', '/_admin/types/typescript');
  const text = await answer.text();
  expect(answer.status).toBe(200);
  expect(text.length).toBeLessThan(4_000_000);
  expect(text).toMatch(/domains: \{\s*Row: \{\s*id: number \| null/);
});

test('a rule of enormous size is passed over, and its view served', async () => {
  const { database } = await databaseWith(`
    ${TABLE};
    CREATE VIEW small WITH (security_invoker) AS SELECT id, b FROM t;
    DO $$ BEGIN EXECUTE 'CREATE VIEW huge WITH (security_invoker) AS SELECT id, b, '
      || quote_literal(repeat('x', 12000000)) || ' AS filler FROM t'; END $$`);
  const { relations, foreignKeys } = await introspect(database, 'public');
  expect(relations.get('huge')).toMatchObject({ rowSecurity: true });
  expect(new Set(foreignKeys.map(({ relation }) => relation))).toEqual(new Set(['t', 'small']));
});

test('a reading ends by itself when it has to wait', async () => {
  const { database } = await databaseWith(TABLE);
  const blocker = await database.connect();
  await blocker.query('BEGIN; LOCK TABLE pg_catalog.pg_description IN ACCESS EXCLUSIVE MODE');
  await expect(readSchema(database, 'public', { timeoutMs: 200 })).rejects.toMatchObject({
    code: 'schema_unavailable',
    cause: { code: '57014' },
  });
  await blocker.query('ROLLBACK');
  blocker.release();
  await expect(readSchema(database, 'public', { timeoutMs: 5_000 })).resolves.toBeDefined();
});
