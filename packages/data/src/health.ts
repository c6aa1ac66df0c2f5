import type { Database, HealthCheck } from '@reactor/core';

/** Everything here is in the database. */
export function dataHealth({ database }: { readonly database: Pick<Database, 'ping'> }): HealthCheck {
  return {
    timeoutMs: 500,
    async check(signal) {
      try {
        await database.ping(signal);
        return { status: 'ok' };
      } catch {
        // Its message may name hosts; the probe db_ping tells the operator more.
        return { status: 'error', reason: 'the database does not answer' };
      }
    },
  };
}
