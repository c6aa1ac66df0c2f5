import { access, constants } from 'node:fs/promises';
import { type BlobStore, type Database, databaseHealth, type HealthCheck, type HealthResult } from '@reactor/core';

/** Functions need the database, the blobs of their bundles, and Bun. Asks all at once, and names each that fails. */
export function functionsHealth(resources: {
  readonly database: Pick<Database, 'ping'>;
  readonly blobs: Pick<BlobStore, 'check'>;
  readonly binary: string;
  /** Why the last process could not be started for reasons of Bun's own. */
  lastFault(): string | undefined;
}): HealthCheck {
  const database = databaseHealth(resources.database);
  return {
    timeoutMs: 500,
    async check(signal) {
      const results = await Promise.all([
        database.check(signal),
        resources.blobs.check(signal),
        checkBinary(resources.binary),
      ]);
      const reasons = results.flatMap((result) => (result.status === 'ok' ? [] : [result.reason]));
      if (resources.lastFault() !== undefined) reasons.push('the runtime bun does not start');
      return reasons.length === 0 ? { status: 'ok' } : { status: 'error', reason: reasons.join('; ') };
    },
  };
}

async function checkBinary(binary: string): Promise<HealthResult> {
  try {
    await access(binary, constants.X_OK);
    return { status: 'ok' };
  } catch {
    return { status: 'error', reason: 'the runtime bun is not there' };
  }
}
