import { expect, test } from 'vitest';
import { createTestDatabase } from '../../testing/src/test-database.js';
import { openPool } from './support/servers.js';

/** A pool of one connection, so that each use meets what the one before left. */
async function oneConnection() {
  const { connectionString } = await createTestDatabase();
  return openPool(connectionString, { poolMax: 1 });
}

/** How many statements the one connection keeps prepared for pipelines. */
async function countPrepared(database: Awaited<ReturnType<typeof oneConnection>>) {
  const { rows } = await database.query<{ n: number }>('SELECT count(*)::int AS n FROM pg_prepared_statements');
  return rows[0]?.n;
}

test('answers the result of each statement', async () => {
  const database = await oneConnection();
  const connection = await database.connect();
  const results = await connection.pipeline([
    { text: 'CREATE TEMPORARY TABLE notes (n int, t text)' },
    { text: 'INSERT INTO notes VALUES ($1, $2), (2, NULL)', values: ['1', null] },
    { text: 'SELECT * FROM notes ORDER BY n' },
  ]);
  connection.release();
  expect(results).toEqual([
    { rows: [], rowCount: 0 },
    { rows: [], rowCount: 2 },
    {
      rows: [
        { n: 1, t: null },
        { n: 2, t: null },
      ],
      rowCount: 2,
    },
  ]);
});

test('a query keeps its statement prepared under its key, and goes on where it was lost', async () => {
  const database = await oneConnection();
  const ask = (days: number) =>
    database.query('SELECT $1::timestamptz + make_interval(days => $2) AS at, NULL AS none', [new Date(0), days], {
      prepareAs: 'in days',
    });
  const answer = (at: string) => ({ rows: [{ at: new Date(at), none: null }], rowCount: 1 });
  expect(await ask(1)).toEqual(answer('1970-01-02'));
  expect(await ask(2)).toEqual(answer('1970-01-03'));
  expect(await countPrepared(database)).toBe(1);
  await database.query('DEALLOCATE ALL');
  expect(await ask(3)).toEqual(answer('1970-01-04'));
  const divide = (by: number) => [`SELECT 1 / $1::int AS n`, [by], { prepareAs: 'one by' }] as const;
  await expect(database.transaction((connection) => connection.query(...divide(0)))).rejects.toMatchObject({
    code: '22012',
  });
  expect((await database.query(...divide(1))).rows).toEqual([{ n: 1 }]);
});

test('is one transaction: a local setting lasts to its end, and an error undoes all of it', async () => {
  const database = await oneConnection();
  const connection = await database.connect();
  const [, inside] = await connection.pipeline([
    { text: "SELECT set_config('reactor.who', $1, true)", values: ['alice'] },
    { text: "SELECT current_setting('reactor.who', true) AS who" },
  ]);
  expect(inside?.rows).toEqual([{ who: 'alice' }]);
  expect((await connection.query("SELECT current_setting('reactor.who', true) AS who")).rows).toEqual([{ who: '' }]);

  await connection.query('CREATE TABLE notes (n int)');
  await expect(
    connection.pipeline([{ text: 'INSERT INTO notes VALUES (1)' }, { text: 'SELECT 1/0' }, { text: 'SELECT broken' }]),
  ).rejects.toMatchObject({ code: '22012' });
  expect((await connection.query('SELECT * FROM notes')).rows).toEqual([]);
  connection.release();
});

test('joins the transaction that is open', async () => {
  const database = await oneConnection();
  await database.query('CREATE TABLE notes (n int)');
  const connection = await database.connect();
  await connection.pipeline([{ text: 'BEGIN' }, { text: 'INSERT INTO notes VALUES (1)' }]);
  await connection.query('ROLLBACK');
  connection.release();
  expect((await database.query('SELECT * FROM notes')).rows).toEqual([]);
});

test('answers in order, however many', async () => {
  const database = await oneConnection();
  const connection = await database.connect();
  const statements = Array.from({ length: 20 }, (_, i) => ({ text: `SELECT ${i} AS n` }));
  const results = await connection.pipeline(statements);
  connection.release();
  expect(results.map(({ rows }) => rows[0]?.n)).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

test('answers the values of a prepared statement in their types, each time', async () => {
  const database = await oneConnection();
  const connection = await database.connect();
  const statement = {
    text: `SELECT $1::int AS n, now() IS NULL AS b, '{"a":[1]}'::json AS j, NULL::int AS nothing FROM generate_series(1, 2)`,
    values: ['7'],
    prepareAs: 'typed',
  };
  const row = { n: 7, b: false, j: { a: [1] }, nothing: null };
  for (let time = 0; time < 3; time++) {
    expect(await connection.pipeline([{ text: 'BEGIN', prepareAs: 'begin' }, statement, { text: 'COMMIT' }])).toEqual([
      { rows: [], rowCount: 0 },
      { rows: [row, row], rowCount: 2 },
      { rows: [], rowCount: 0 },
    ]);
  }
  connection.release();
});

test('takes an empty text, and refuses what would wait for more', async () => {
  const database = await oneConnection();
  const connection = await database.connect();
  await connection.query('CREATE TABLE notes (n int)');
  expect(await connection.pipeline([{ text: '' }, { text: 'SELECT 1 AS n' }])).toEqual([
    { rows: [], rowCount: 0 },
    { rows: [{ n: 1 }], rowCount: 1 },
  ]);
  await expect(connection.pipeline([{ text: 'COPY notes FROM STDIN' }])).rejects.toMatchObject({ code: '57014' });
  expect((await connection.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  connection.release();
});

test('prepares a statement once and keeps a hundred', async () => {
  const database = await oneConnection();
  const run = async (n: number) => {
    const connection = await database.connect();
    const statement = { text: `SELECT $1::int + ${n} AS n`, values: ['1'], prepareAs: `plus ${n}` };
    const results = await connection.pipeline([statement, statement]);
    connection.release();
    return results.map(({ rows }) => rows[0]?.n);
  };
  expect(await run(1)).toEqual([2, 2]);
  expect(await run(1)).toEqual([2, 2]);
  expect(await countPrepared(database)).toBe(1);
  for (let n = 2; n <= 150; n++) await run(n);
  // One that was given up goes with the next pipeline.
  await run(150);
  expect(await countPrepared(database)).toBe(100);
  expect(await run(1)).toEqual([2, 2]);
});

test('leaves nothing prepared behind by pipelines that fail', async () => {
  const database = await oneConnection();
  for (let n = 0; n < 30; n++) {
    const connection = await database.connect();
    await expect(
      connection.pipeline([{ text: `SELECT $1::int + ${n}`, values: ['x'], prepareAs: `${n}` }]),
    ).rejects.toMatchObject({ code: '22P02' });
    connection.release();
  }
  const connection = await database.connect();
  await connection.pipeline([{ text: 'SELECT 1' }]);
  connection.release();
  expect(await countPrepared(database)).toBe(0);
});

test('prepares anew what somebody else has removed', async () => {
  const database = await oneConnection();
  const run = async () => {
    const connection = await database.connect();
    try {
      return await connection.pipeline([{ text: 'SELECT 1 AS n', prepareAs: 'one' }]);
    } finally {
      connection.release();
    }
  };
  await run();
  await database.query('DEALLOCATE ALL');
  expect(await run()).toEqual([{ rows: [{ n: 1 }], rowCount: 1 }]);
});

test('what a function does with the same errors says nothing about the names', async () => {
  const database = await oneConnection();
  await database.query(`CREATE FUNCTION clash(state text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'mine' USING ERRCODE = state; END $$`);
  for (const state of ['08P01', '42P05', '26000']) {
    const connection = await database.connect();
    const call = { text: 'SELECT clash($1)', values: [state], prepareAs: 'clash' };
    await expect(connection.pipeline([call])).rejects.toMatchObject({ code: state, message: 'mine' });
    expect(await connection.pipeline([{ text: 'SELECT 1 AS n', prepareAs: 'one' }])).toMatchObject([{ rowCount: 1 }]);
    connection.release();
  }
  expect(await countPrepared(database)).toBe(1);
});

test('a connection that ends under it is a database that is unavailable', async () => {
  const database = await oneConnection();
  const connection = await database.connect();
  await expect(connection.pipeline([{ text: 'SELECT pg_terminate_backend(pg_backend_pid())' }])).rejects.toMatchObject({
    code: 'database_unavailable',
  });
  connection.release();
  expect((await database.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
});
