import { type CapabilityContext, Periodic, type Services } from '@reactor/core';
import type { AuthMetrics } from './metrics.js';
import type { AuthStore } from './store.js';

const HOUR_MS = 3_600_000;
/** A server that was down for long has much to remove. */
const FIRST_MS = 60_000;

/** Removes what has expired, hourly. Nothing depends on it but the size of two tables, and what a scrape has to subtract. */
export function createSessionSweep(
  services: Services<{ readonly store: AuthStore }>,
  { metrics, clock, logger }: CapabilityContext & { readonly metrics: AuthMetrics },
): Periodic {
  return new Periodic({
    intervalMs: HOUR_MS,
    firstMs: FIRST_MS,
    async run(signal) {
      for (const { store } of services.each()) {
        signal.throwIfAborted();
        const removed = await store.deleteExpired(new Date(clock.now()));
        if (removed > 0) logger.debug('expired sessions removed', { rows: removed });
      }
    },
    onEnd(result, error) {
      metrics.swept(result);
      if (result === 'failed') logger.warn('removing expired sessions failed', { error });
    },
  });
}
