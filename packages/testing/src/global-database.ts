import { rm } from 'node:fs/promises';
import { silentLogger, systemClock } from '@reactor/core';
import { startEmbeddedPostgres } from '@reactor/postgres';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { memoryDirectory } from './memory-directory.js';
import { DATABASE_URL_KEY } from './provided.js';

/** Milliseconds a fast shutdown of the throw-away server may take before it is killed. */
const STOP_TIMEOUT_MS = 5_000;

/**
 * Vitest global setup: one PostgreSQL for the whole run. It is the embedded one in a temporary folder, or the server at
 * `REACTOR_TEST_DATABASE_URL`, whose login must be allowed to create databases and roles.
 * @returns what ends it
 */
export async function setup(project: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  // biome-ignore lint/complexity/useLiteralKeys: process.env is an index signature
  const external = process.env['REACTOR_TEST_DATABASE_URL'];
  if (external !== undefined && external !== '') {
    project.provide(DATABASE_URL_KEY, external);
    return async () => {};
  }
  const stateDirectory = await memoryDirectory();
  const postgres = await startEmbeddedPostgres({ stateDirectory, logger: silentLogger, clock: systemClock });
  await forgetDurability(postgres.connectionString);
  project.provide(DATABASE_URL_KEY, postgres.connectionString);
  return async () => {
    await postgres.stop(AbortSignal.timeout(STOP_TIMEOUT_MS));
    await rm(stateDirectory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
}

/** Nothing here outlives the run, so nothing needs to reach the disk. */
async function forgetDurability(connectionString: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
    await client.query(`ALTER SYSTEM SET ${setting} = off`);
  }
  await client.query('SELECT pg_reload_conf()');
  await client.end();
}
