import { type Clock, databaseHealth, type HealthCheck, type HealthResult } from '@reactor/core';

/** Auth can answer nothing but its public keys without the database, so the database decides. */
export const authHealth = databaseHealth;

/** As long as the server's own `/health` keeps an answer. */
const SHARED_MS = 1_000;

/** One check for all who ask within a second: each opens a connection, and asking is open to anyone. */
export function shareHealth(health: HealthCheck, clock: Clock): () => Promise<HealthResult> {
  let latest: Promise<HealthResult> | undefined;
  let until = 0;
  return () => {
    if (latest === undefined || clock.monotonic() >= until) {
      until = clock.monotonic() + SHARED_MS;
      latest = health.check(AbortSignal.timeout(health.timeoutMs));
    }
    return latest;
  };
}
