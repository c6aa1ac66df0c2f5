import { silentLogger, systemClock } from '@reactor/core';
import { openDatabase } from '@reactor/postgres';
import { expect, test } from 'vitest';
import { createTestFunctions } from './support/functions.js';

test('a function that is known goes on while the database is away', async () => {
  const functions = await createTestFunctions();
  await functions.deploy('steady', `export default () => new Response('ok')`);
  const call = async () => (await functions.as(undefined)('GET', '/steady')).status;
  expect(await call()).toBe(200);
  const other = openDatabase({
    connectionString: functions.connectionString,
    logger: silentLogger,
    clock: systemClock,
  });
  const holder = await other.connect();
  await holder.query('BEGIN; LOCK TABLE reactor_functions.functions');
  // What is known is old by then, and nothing can be asked.
  functions.advance(60_000);
  expect([await call(), await call()]).toEqual([200, 200]);
  holder.release(true);
  await other.close();
});
