import { type Database, systemClock } from '@reactor/core';
import { recordingLogger } from '@reactor/testing';
import { expect, test } from 'vitest';
import { createData, parseDataConfig } from '../../src/index.js';
import { applyMigrations, databaseWith } from '../support/database.js';
import { testTokens } from '../support/tokens.js';

const SAFE = 'ENABLE ROW LEVEL SECURITY';

/** @returns the WARN lines of a start on `database` */
async function start(database: Database): Promise<readonly unknown[]> {
  const { logger, lines } = recordingLogger();
  const data = createData(parseDataConfig({}), { logger, clock: systemClock, database, tokens: testTokens });
  await data.start();
  await data.stop(AbortSignal.timeout(1_000));
  return lines.filter(({ level }) => level === 'warn').map(({ message, fields }) => [message, fields]);
}

const line = (what: string, objects: number) => [
  `this start took privileges on ${what} from callers; see reactor doctor`,
  { objects },
];

test('one line at the end of the start that closes what the first release had opened', async () => {
  const { database } = await databaseWith('SELECT 1');
  await database.query(
    'DROP SCHEMA reactor_data CASCADE; DROP SCHEMA auth CASCADE; DROP EVENT TRIGGER IF EXISTS reactor_data_schema_change',
  );
  await applyMigrations(database, /^0001/);
  await database.query(`
    CREATE TABLE orders (id int); ALTER TABLE orders ${SAFE}; CREATE TABLE logs (id int);
    CREATE MATERIALIZED VIEW kept AS SELECT * FROM orders; CREATE FUNCTION report() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
  await applyMigrations(database, /^000[02-9]/);
  expect(await start(database)).toEqual([line('3 objects', 3)]);
  expect(await start(database)).toEqual([]);
});

test('one line when row-level security was switched off meanwhile, and none for what is new', async () => {
  const { database } = await databaseWith(`CREATE TABLE t (id int); ALTER TABLE t ${SAFE}`);
  expect(await start(database)).toEqual([]);
  await database.query(`ALTER TABLE t DISABLE ROW LEVEL SECURITY; CREATE TABLE u (id int);
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
  expect(await start(database)).toEqual([line('1 object', 1)]);
});

test('one line when a database is older than Reactor', async () => {
  const { database } = await databaseWith('SELECT 1', `CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`);
  expect(await start(database)).toEqual([line('1 object', 1)]);
});
