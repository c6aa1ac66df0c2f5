import { type Logger, silentLogger, systemClock } from '@reactor/core';
import { Client } from 'pg';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../../testing/src/temporary-directory.js';
import { type EmbeddedPostgres, openDatabase, type PostgresDatabase, startEmbeddedPostgres } from '../../src/index.js';

const STOP_TIMEOUT_MS = 10_000;

/** An embedded server of the running test. */
export async function startServer(
  options: { readonly stateDirectory?: string; readonly logger?: Logger } = {},
): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({
    stateDirectory: options.stateDirectory ?? (await temporaryDirectory()),
    logger: options.logger ?? silentLogger,
    clock: systemClock,
  });
  onTestFinished(() => postgres.stop(AbortSignal.timeout(STOP_TIMEOUT_MS)));
  return postgres;
}

/** A pool of the running test. */
export function openPool(
  connectionString: string,
  options: Partial<Parameters<typeof openDatabase>[0]> = {},
): PostgresDatabase {
  const database = openDatabase({ connectionString, logger: silentLogger, clock: systemClock, ...options });
  onTestFinished(() => database.close());
  return database;
}

export async function runSql(connectionString: string, sql: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
