import { silentLogger, systemClock } from '@reactor/core';
import { createTestDatabase } from '@reactor/testing';
import { onTestFinished } from 'vitest';
import { createHello, helloSection } from '../src/index.js';

/** Makes hellos on a database of the running test, with the migrations applied. */
export async function helloForTest() {
  const { database, drop } = await createTestDatabase();
  onTestFinished(drop);
  const context = { database, logger: silentLogger, clock: systemClock };
  const create = () => createHello(helloSection.parse({}), context);
  for (const { sql } of create().migrations) await database.query(sql);
  return { create };
}
