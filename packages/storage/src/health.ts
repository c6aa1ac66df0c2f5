import type { Database, HealthCheck, HealthResult } from '@reactor/core';
import type { FilesystemBlobStore } from './blobs/filesystem.js';

/** Objects need both: their rows and their bytes. Asks the two at once, and names each that fails. */
export function storageHealth(resources: {
  readonly database: Pick<Database, 'ping'>;
  readonly blobs: Pick<FilesystemBlobStore, 'check'>;
}): HealthCheck {
  return {
    timeoutMs: 500,
    async check(signal) {
      const results = await Promise.all([checkDatabase(resources.database, signal), resources.blobs.check(signal)]);
      const reasons = results.flatMap((result) => (result.status === 'ok' ? [] : [result.reason]));
      return reasons.length === 0 ? { status: 'ok' } : { status: 'error', reason: reasons.join('; ') };
    },
  };
}

async function checkDatabase(database: Pick<Database, 'ping'>, signal: AbortSignal): Promise<HealthResult> {
  try {
    await database.ping(signal);
    return { status: 'ok' };
  } catch {
    // Its message may name hosts; the probe db_ping tells the operator more.
    return { status: 'error', reason: 'the database does not answer' };
  }
}
