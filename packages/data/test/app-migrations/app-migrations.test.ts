import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@reactor/core';
import { openDatabase } from '@reactor/postgres';
import { ALICE, BOB, temporaryDirectory } from '@reactor/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { AppMigrations, readMigrationFiles } from '../../src/index.js';
import { createTestData, jsonBody, refusal } from '../support/data.js';
import { databaseWith } from '../support/database.js';

async function setUp() {
  const { database } = await databaseWith('SELECT 1');
  let applied = 0;
  const migrations = new AppMigrations({ database, logger: silentLogger, onApplied: () => (applied += 1) });
  const tables = async () => {
    const { rows } = await database.query<{ name: string; rls: boolean }>(
      `SELECT relname AS name, relrowsecurity AS rls FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1`,
    );
    return Object.fromEntries(rows.map(({ name, rls }) => [name, rls]));
  };
  return { database, migrations, tables, countApplied: () => applied };
}

const file = (name: string, sql: string) => ({ name, sql });

describe('apply', () => {
  test('runs what is pending in the order of names, once', async () => {
    const { migrations, tables, countApplied } = await setUp();
    const files = [
      file('002_b', 'ALTER TABLE a RENAME TO b; CREATE TABLE c (id int)'),
      file('001_a', 'CREATE TABLE a (id int);'),
      file('003_nothing', '-- nothing'),
    ];
    expect(await migrations.apply(files)).toEqual({ applied: ['001_a', '002_b', '003_nothing'] });
    expect(await migrations.apply(files)).toEqual({ applied: [] });
    expect(await tables()).toEqual({ b: true, c: true });
    expect(countApplied()).toBe(3);
    expect(await migrations.status(files.slice(0, 2))).toEqual({
      applied: [
        { name: '001_a', appliedAt: expect.any(Date) },
        { name: '002_b', appliedAt: expect.any(Date) },
      ],
      pending: [],
      changed: [],
      unknown: ['003_nothing'],
      refused: [],
      partial: [],
    });
  });

  test('switches row-level security on for every table that it makes, in whatever way', async () => {
    const { database, migrations, tables } = await setUp();
    await database.query('CREATE TABLE before (id int)');
    await migrations.apply([
      file(
        '001',
        `CREATE TABLE "odd ""name""" (id int);
         CREATE TABLE copied AS SELECT 1 AS id;
         SELECT 2 AS id INTO selected;
         DO $$ BEGIN EXECUTE 'CREATE TABLE dynamic (id int)'; END $$;
         CREATE TABLE events (at date) PARTITION BY RANGE (at);
         CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
         CREATE TEMPORARY TABLE scratch (id int);
         CREATE SCHEMA inside; CREATE TABLE inside.hidden (id int);
         SET search_path = inside;
         ALTER TABLE public.before ADD COLUMN n int;`,
      ),
    ]);
    expect(await tables()).toEqual({
      before: false,
      copied: true,
      dynamic: true,
      events: true,
      events_2024: true,
      'odd "name"': true,
      selected: true,
    });
    // What a file sets does not leak into the pool.
    expect((await database.query('SELECT current_setting($1) AS path', ['search_path'])).rows).toEqual([
      { path: '"$user", public' },
    ]);
  });

  test('keeps nothing of a file that fails, names its file and line, and keeps the ones before', async () => {
    const { migrations, tables } = await setUp();
    const failing = (sql: string) => migrations.apply([file('001_a', 'CREATE TABLE a (id int)'), file('002_b', sql)]);
    await expect(failing('CREATE TABLE b (id int);\n\n-- é\nSELECT 1,\n  nothing;')).rejects.toMatchObject({
      code: 'migration_failed',
      message: '002_b.sql:5: column "nothing" does not exist (SQLSTATE 42703)',
      details: { file: '002_b.sql', line: 5, sqlstate: '42703' },
    });
    await expect(failing('\nINSERT INTO a VALUES (1);\nALTER TABLE a ADD PRIMARY KEY (x)')).rejects.toThrow(
      '002_b.sql:3: column "x"',
    );
    await expect(failing('CREATE TABLE b (id int);\nCOMMIT; SELECT 1')).rejects.toThrow(
      '002_b.sql:2: a file must not begin or end',
    );
    await expect(failing('VACUUM a')).rejects.toThrow('002_b.sql:1: VACUUM cannot run inside a transaction block');
    await expect(failing("SELECT 'a")).rejects.toThrow('002_b.sql:1: unterminated quoted string');
    await expect(failing('CREATE TABLE b (id int);\npolicy p on b for select\n  using (now() = 1)')).rejects.toThrow(
      '002_b.sql:3: only functions of auth may be called, not now()',
    );
    await expect(failing('policy p on nowhere for select using (true)')).rejects.toThrow(
      '002_b.sql:1: relation "nowhere" does not exist (SQLSTATE 42P01)',
    );
    expect(await tables()).toEqual({ a: true });
  });

  test('refuses a file that changed after it was applied, before anything runs', async () => {
    const { migrations, tables } = await setUp();
    await migrations.apply([file('002', 'CREATE TABLE a (id int)')]);
    const changed = [file('001', 'CREATE TABLE b (id int)'), file('002', 'CREATE TABLE a (id bigint)')];
    await expect(migrations.apply(changed)).rejects.toMatchObject({ code: 'migration_changed', status: 409 });
    expect(await migrations.status(changed)).toMatchObject({ pending: ['001'], changed: ['002'] });
    expect(await tables()).toEqual({ a: true });
  });

  test('refuses names that cannot be', async () => {
    const { migrations } = await setUp();
    await expect(migrations.apply([file('../x', 'SELECT 1')])).rejects.toThrow(
      '"../x" is not a valid name of a migration',
    );
    await expect(migrations.apply([file('x', 'SELECT 1'), file('x', 'SELECT 2')])).rejects.toThrow('Two migrations');
  });

  test('by several servers at once happens once', async () => {
    const { database, migrations } = await setUp();
    const files = Array.from({ length: 5 }, (_, i) => file(`00${i}`, `CREATE TABLE t${i} (id int)`));
    const results = await Promise.all(Array.from({ length: 4 }, () => migrations.apply(files)));
    expect(results.flatMap(({ applied }) => applied).sort()).toEqual(files.map(({ name }) => name));
    expect((await database.query('SELECT FROM reactor_data.app_migrations')).rowCount).toBe(5);
  });
});

test.each([
  ['in a transaction', ''],
  ['without one', '-- reactor:no-transaction\n'],
])(
  'a statement timeout for requests cuts neither a file %s nor the wait for one of another server',
  async (_, head) => {
    const { connectionString } = await databaseWith('SELECT 1');
    const separator = connectionString.includes('?') ? '&' : '?';
    const timeout = `${connectionString}${separator}options=-c%20statement_timeout%3D400`;
    const servers = [1, 2].map(() => {
      const database = openDatabase({ connectionString: timeout, logger: silentLogger, clock: systemClock });
      onTestFinished(() => database.close());
      return new AppMigrations({ database, logger: silentLogger, onApplied: () => {} });
    });
    const files = [file('001', `${head}SELECT pg_sleep(1);`)];
    const results = await Promise.all(servers.map((migrations) => migrations.apply(files)));
    expect(results.flatMap(({ applied }) => applied)).toEqual(['001']);
  },
);

test('a dry run tries everything and keeps nothing', async () => {
  const { migrations, tables, countApplied } = await setUp();
  const files = [file('001', 'CREATE TABLE a (id int)'), file('002', 'ALTER TABLE a ADD COLUMN n int')];
  expect(await migrations.dryRun(files)).toEqual({ applied: ['001', '002'], untried: [] });
  await expect(migrations.dryRun([...files, file('003', 'SELECT nothing')])).rejects.toThrow('003.sql:1');
  expect([await tables(), countApplied()]).toEqual([{}, 0]);
});

test('the policy dialect means what native policies mean', async () => {
  const { as } = await createTestData('SELECT 1');
  const migrations = [
    file(
      '001_notes',
      `CREATE TABLE notes (id int PRIMARY KEY, owner_id uuid NOT NULL, n int);
       policy mine on notes for select, update, delete using (owner_id = auth.user_id());
       policy shared on notes for select using (n > 100);
       policy add_mine on notes for insert check (owner_id = auth.user_id());
       policy add_small on notes for insert check (n < 10);`,
    ),
  ];
  expect((await as('admin')('POST', '/_admin/migrate', jsonBody({ migrations }))).status).toBe(200);
  const post = (row: object) => as('alice')('POST', '/notes', jsonBody(row));
  expect((await post({ id: 1, owner_id: ALICE, n: 1 })).status).toBe(201);
  expect(await refusal(await post({ id: 2, owner_id: BOB, n: 1 }))).toBe('403 42501 policy_denied');
  expect(await refusal(await post({ id: 2, owner_id: ALICE, n: 50 }))).toBe('403 42501 policy_denied');
  await as('admin')(
    'POST',
    '/notes',
    jsonBody([
      { id: 3, owner_id: BOB, n: 1 },
      { id: 4, owner_id: BOB, n: 101 },
    ]),
  );
  expect(await (await as('alice')('GET', '/notes?select=id&order=id')).json()).toEqual([{ id: 1 }, { id: 4 }]);
  expect(await (await as(undefined)('GET', '/notes')).json()).toEqual([]);
  const give = await as('alice')('PATCH', '/notes?id=eq.1', jsonBody({ owner_id: BOB }));
  expect(await refusal(give)).toBe('403 42501 policy_denied');
  const steal = await as('alice')('PATCH', '/notes?id=eq.4', jsonBody({ n: 1 }));
  expect(steal.headers.get('X-Affected-Rows')).toBe('0');
});

describe('a folder', () => {
  async function folder(files: Record<string, string>) {
    const directory = await temporaryDirectory();
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
    return directory;
  }

  test('is read in the order of names, whatever else lies there', async () => {
    const directory = await folder({ '2.sql': 'b\r\nb', '10.sql': 'a', 'README.md': '', '.hidden.sql': '' });
    expect(await readMigrationFiles(directory)).toEqual([
      { name: '10', sql: 'a' },
      { name: '2', sql: 'b\nb' },
    ]);
    await expect(readMigrationFiles(join(directory, 'none'))).rejects.toThrow('data.migrations_dir: the folder');
  });

  test('is applied at start, and the start fails with it', async () => {
    const good = await folder({
      '1.sql': 'CREATE TABLE notes (id int); policy all_of_it on notes for select using (true);',
    });
    const { as } = await createTestData('SELECT 1', { config: { migrationsDir: good } });
    expect((await as('alice')('GET', '/notes')).status).toBe(200);
    expect(await (await as('admin')('GET', '/_admin/migrations')).json()).toMatchObject({
      applied: [{ name: '1', applied_at: expect.stringMatching(/Z$/) }],
      pending: [],
    });
    await writeFile(join(good, '2.sql'), 'CREATE TABLE more (id int)');
    const migrate = (query = '') => as('admin')('POST', `/_admin/migrate${query}`);
    expect(await (await migrate('?dry_run=true')).json()).toEqual({ applied: [], pending: ['2'] });
    expect(await (await migrate()).json()).toEqual({ applied: ['2'], pending: [] });
    expect((await as('alice')('GET', '/more')).status).toBe(200);

    const policies = `
      CREATE TABLE wide (owner_id uuid);
      CREATE POLICY once ON wide USING (owner_id = (SELECT auth.user_id()));
      policy dialect on wide for select using (owner_id = auth.user_id());
      CREATE POLICY mine ON wide
        USING (owner_id = auth.user_id());`;
    await writeFile(join(good, '3.sql'), policies);
    const warnings = [{ file: '3.sql', line: 6, message: expect.stringContaining('write (SELECT auth.user_id())') }];
    expect(await (await migrate('?dry_run=true')).json()).toEqual({ applied: [], pending: ['3'], warnings });
    expect(await (await migrate()).json()).toEqual({ applied: ['3'], pending: [], warnings });
    expect(await (await migrate()).json()).toEqual({ applied: [], pending: [] });

    const bad = await folder({ '1.sql': 'CREATE TABLE x (' });
    await expect(createTestData('SELECT 1', { config: { migrationsDir: bad } })).rejects.toThrow(
      '1.sql:1: syntax error',
    );
  });
});

describe('the admin routes', () => {
  test('are for the operator', async () => {
    const { as } = await createTestData('SELECT 1');
    for (const [method, path] of [
      ['POST', '/_admin/migrate'],
      ['GET', '/_admin/migrations'],
      ['POST', '/_admin/reload'],
    ] as const) {
      expect((await as('alice')(method, path)).status).toBe(403);
      expect((await as(undefined)(method, path)).status).toBe(401);
      const answer = await as('admin')(method, path);
      expect(answer.status).toBe(path === '/_admin/migrate' ? 400 : 200);
    }
  });

  test('compare what is sent with what is applied', async () => {
    const { as } = await createTestData('SELECT 1');
    const post = (path: string, migrations: unknown) => as('admin')('POST', path, jsonBody({ migrations }));
    await post('/_admin/migrate', [file('1', 'CREATE TABLE a ()'), file('2', 'SELECT 1'), file('3', 'SELECT 1')]);
    const answer = await post('/_admin/migrations', [
      file('4', 'SELECT 1'),
      file('2', 'SELECT 2'),
      file('1', 'CREATE TABLE a ()'),
    ]);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      {
        applied: [1, 2].map((name) => ({ name: String(name), applied_at: expect.stringMatching(/Z$/) })),
        pending: ['4'],
        changed: ['2'],
        unknown: ['3'],
      },
    ]);
    const twice = await post('/_admin/migrations', [file('1', 'SELECT 1'), file('1', 'SELECT 1')]);
    expect([twice.status, await twice.json()]).toMatchObject([400, { error: { code: 'migration_failed' } }]);
    expect((await as('admin')('POST', '/_admin/migrations')).status).toBe(400);
    expect((await as('alice')('POST', '/_admin/migrations', jsonBody({ migrations: [] }))).status).toBe(403);
    expect((await as(undefined)('POST', '/_admin/migrations', jsonBody({ migrations: [] }))).status).toBe(401);
  });

  test('have nothing to apply or to compare with where no folder is configured', async () => {
    const { as } = await createTestData('SELECT 1');
    const refused = await as('admin')('POST', '/_admin/migrate');
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining('data.migrations_dir') } });
    const migrations = [{ name: '1', sql: 'SELECT 1' }];
    expect((await as('admin')('POST', '/_admin/migrate', jsonBody({ migrations }))).status).toBe(200);
    expect(await (await as('admin')('GET', '/_admin/migrations')).json()).toMatchObject({
      applied: [{ name: '1' }],
      pending: [],
      changed: [],
      unknown: [],
    });
  });

  test('take an empty file, as a folder may have', async () => {
    const { as } = await createTestData('SELECT 1');
    const answer = await as('admin')('POST', '/_admin/migrate', jsonBody({ migrations: [file('1', '')] }));
    expect([answer.status, await answer.json()]).toEqual([200, { applied: ['1'], pending: [] }]);
  });

  test('answer what is wrong with a migration', async () => {
    const { as } = await createTestData('SELECT 1', { config: { maxBodyBytes: 200 } });
    const migrate = async (body: unknown) => {
      const answer = await as('admin')('POST', '/_admin/migrate', jsonBody(body));
      return [answer.status, ((await answer.json()) as { error: { code: string } }).error.code];
    };
    expect(await migrate({ migrations: [{ name: '1', sql: 'SELECT nothing' }] })).toEqual([400, 'migration_failed']);
    expect(await migrate({ migrations: [{ name: '1' }] })).toEqual([400, 'invalid_request']);
    expect(await migrate({ migrations: [{ name: '1', sql: 'x'.repeat(200) }] })).toEqual([413, 'payload_too_large']);
  });
});

describe('a file', () => {
  test.each([
    ['DROP SCHEMA auth CASCADE', /auth\.jwt.* are missing; requests call them/],
    ['REVOKE USAGE ON SCHEMA auth FROM reactor_anon', /reactor_anon may not use the schemas/],
    ['REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA auth FROM PUBLIC', /may not call auth\.bounded/],
  ])('that takes what requests need is undone: %s', async (sql, message) => {
    const { migrations, database, tables } = await setUp();
    await expect(migrations.apply([file('001_a', `CREATE TABLE a (id int); ${sql}`)])).rejects.toMatchObject({
      code: 'migration_failed',
      message: expect.stringMatching(message),
    });
    expect(await tables()).toEqual({});
    expect((await database.query('SELECT auth.jwt() AS claims')).rows).toEqual([{ claims: {} }]);
  });

  test('may leave another session authorization behind', async () => {
    const { migrations, tables } = await setUp();
    const files = [
      file('001_a', 'CREATE TABLE a (id int); SET SESSION AUTHORIZATION reactor_anon;'),
      file('002_b', 'CREATE TABLE b ()'),
    ];
    expect(await migrations.apply(files)).toEqual({ applied: ['001_a', '002_b'] });
    expect(await tables()).toEqual({ a: true, b: true });
  });
});
