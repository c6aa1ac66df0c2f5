import { type BlobStore, type Database, databaseHealth, type HealthCheck } from '@reactor/core';

/** Objects need both: their rows and their bytes. Asks the two at once, and names each that fails. */
export function storageHealth(resources: {
  readonly database: Pick<Database, 'ping'>;
  readonly blobs: Pick<BlobStore, 'check'>;
}): HealthCheck {
  const database = databaseHealth(resources.database);
  return {
    timeoutMs: 500,
    async check(signal) {
      const results = await Promise.all([database.check(signal), resources.blobs.check(signal)]);
      const reasons = results.flatMap((result) => (result.status === 'ok' ? [] : [result.reason]));
      return reasons.length === 0 ? { status: 'ok' } : { status: 'error', reason: reasons.join('; ') };
    },
  };
}
