import { join } from 'node:path';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { silentLogger, systemClock } from '@reactor/core';
import { createTestDatabase, describeConformance, temporaryDirectory, testTokens } from '@reactor/testing';
import { createFunctions, parseFunctionsConfig } from '../src/index.js';
import { SECRET } from './support/functions.js';

describeConformance('functions', async () => {
  const { database } = await createTestDatabase();
  const directory = await temporaryDirectory();
  const blobs = createFilesystemBlobStore({ root: join(directory, 'blobs'), clock: systemClock });
  const ports = { database, tokens: testTokens, blobs };
  const context = { logger: silentLogger, clock: systemClock, ...ports, cacheDirectory: join(directory, 'cache') };
  const create = () => createFunctions(parseFunctionsConfig({ secret: SECRET }), context);
  for (const { sql } of create().migrations) await database.query(sql);
  return { create };
});
