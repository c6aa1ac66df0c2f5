import { silentLogger, systemClock } from '@reactor/core';
import { lockStateDirectory, startEmbeddedPostgres } from '../../src/index.js';

/** Locks the state directory, starts PostgreSQL and says so; it is the test that ends it. */
export async function main(stateDirectory: string): Promise<void> {
  await lockStateDirectory(stateDirectory);
  const postgres = await startEmbeddedPostgres({ stateDirectory, logger: silentLogger, clock: systemClock });
  process.stdout.write(`${JSON.stringify({ connectionString: postgres.connectionString })}\n`);
}
