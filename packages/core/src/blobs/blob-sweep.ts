import { Periodic } from '../periodic.js';
import type { Logger } from '../ports/index.js';
import type { Services } from '../tenants/services.js';
import type { SweepMetrics } from './sweep-metrics.js';
import type { BlobSweeper } from './sweeper.js';

/** What a capability brings to have its blobs swept. */
export interface BlobSweepOptions<T> {
  readonly services: Pick<Services<T>, 'each'>;
  sweeperOf(service: T): BlobSweeper;
  readonly metrics: SweepMetrics;
  readonly logger: Logger;
}

/** What is deleted frees its space within about this time. Each server asks each database this often. */
const INTERVAL_MS = 60_000;
/** The first pass comes soon after the start: a crash is what leaves most of what there is to remove. */
const FIRST_MS = 2_000;

/** Sweeps the blobs of all services, one after the other, about once a minute. One that fails does not keep the others from it. */
export function createBlobSweep<T>({ services, sweeperOf, metrics, logger }: BlobSweepOptions<T>): Periodic {
  const failed = (error: unknown) => {
    metrics.failed();
    logger.error('sweep failed', { error });
  };
  return new Periodic({
    intervalMs: INTERVAL_MS,
    firstMs: FIRST_MS,
    async run(signal) {
      for (const service of services.each()) {
        try {
          const result = await sweeperOf(service).sweep(signal);
          metrics.swept(result);
          if (Object.values(result).some((count) => count > 0)) logger.info('sweep removed files', { ...result });
        } catch (error) {
          signal.throwIfAborted();
          failed(error);
        }
      }
    },
    onEnd(result, error) {
      if (result === 'failed') failed(error);
    },
  });
}
