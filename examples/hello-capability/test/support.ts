import { silentLogger, systemClock } from '@reactor/core';
import { createTestDatabase } from '@reactor/testing';
import { createHello, helloSection } from '../src/index.js';

/** Makes hellos on a database of the running test, with the migrations applied. */
export async function helloForTest() {
  const { database } = await createTestDatabase();
  const context = { database, logger: silentLogger, clock: systemClock };
  const create = () => createHello(helloSection.parse({}), context);
  for (const { sql } of create().migrations) await database.query(sql);
  return { create };
}
