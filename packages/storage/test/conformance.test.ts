import { join } from 'node:path';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { silentLogger, systemClock } from '@reactor/core';
import { createTestDatabase, describeConformance, temporaryDirectory, testTokens } from '@reactor/testing';
import { createStorage, parseStorageConfig } from '../src/index.js';

describeConformance('storage', async () => {
  const { database } = await createTestDatabase();
  const blobs = createFilesystemBlobStore({ root: join(await temporaryDirectory(), 'blobs'), clock: systemClock });
  const context = { logger: silentLogger, clock: systemClock, database, tokens: testTokens, blobs };
  const create = () => createStorage(parseStorageConfig({}), context);
  for (const { sql } of create().migrations) await database.query(sql);
  return { create };
});
