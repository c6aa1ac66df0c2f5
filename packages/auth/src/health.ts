import type { Database, HealthCheck } from '@reactor/core';

/** Auth can answer nothing but its public keys without the database, so the database decides. */
export function authHealth(database: Database): HealthCheck {
  return {
    timeoutMs: 500,
    async check(signal) {
      try {
        await database.ping(signal);
        return { status: 'ok' };
      } catch {
        return { status: 'error', reason: 'the database does not answer' };
      }
    },
  };
}
