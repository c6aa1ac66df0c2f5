import { randomBytes } from 'node:crypto';
import { type Logger, silentLogger, systemClock } from '@reactor/core';
import { Client } from 'pg';
import { afterAll, onTestFinished } from 'vitest';
import { type EmbeddedPostgres, openDatabase, type PostgresDatabase, startEmbeddedPostgres } from '../../src/index.js';
import { temporaryDirectory } from './temporary-directory.js';

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

export interface FileServer {
  readonly adminUrl: string;
  /** A fresh database; both are gone when the test is over. */
  createDatabase(): Promise<{ readonly connectionString: string; readonly database: PostgresDatabase }>;
}

/** The server of one test file: an embedded one, or the one at `REACTOR_TEST_DATABASE_URL`. */
export async function serverOfThisFile(): Promise<FileServer> {
  // biome-ignore lint/complexity/useLiteralKeys: process.env is an index signature
  const adminUrl = process.env['REACTOR_TEST_DATABASE_URL'] || (await startShared());
  return {
    adminUrl,
    async createDatabase() {
      const name = `reactor_test_${randomBytes(8).toString('hex')}`;
      await runSql(adminUrl, `CREATE DATABASE ${name}`);
      onTestFinished(() => runSql(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`));
      const connectionString = adminUrl.replace(/^([a-z]+:\/\/[^/?]*)(\/[^?]*)?/, `$1/${name}`);
      return { connectionString, database: openPool(connectionString) };
    },
  };
}

async function startShared(): Promise<string> {
  const stateDirectory = await temporaryDirectory(afterAll);
  const postgres = await startEmbeddedPostgres({ stateDirectory, logger: silentLogger, clock: systemClock });
  afterAll(() => postgres.stop(AbortSignal.timeout(STOP_TIMEOUT_MS)));
  return postgres.connectionString;
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
