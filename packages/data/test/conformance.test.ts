import { silentLogger, systemClock } from '@reactor/core';
import { createTestDatabase, describeConformance } from '@reactor/testing';
import { createData, parseDataConfig } from '../src/index.js';
import { testTokens } from './support/tokens.js';

describeConformance('data', async () => {
  const { database } = await createTestDatabase();
  const context = { logger: silentLogger, clock: systemClock, database, tokens: testTokens };
  const create = () => createData(parseDataConfig({}), context);
  for (const { sql } of create().migrations) await database.query(sql);
  return { create };
});
