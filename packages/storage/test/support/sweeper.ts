import { type Logger, silentLogger } from '@reactor/core';
import { createStorageMetrics, type StorageMetrics } from '../../src/index.js';
import { BlobLedger } from '../../src/store/blobs.js';
import { Sweeper } from '../../src/sweeper.js';
import type { TestStorage } from './storage.js';

/** A sweeper of its own for what `storage` keeps, as another server has one. */
export function createSweeper(
  { database, blobs, clock }: Pick<TestStorage, 'database' | 'blobs' | 'clock'>,
  {
    logger = silentLogger,
    metrics = createStorageMetrics({ database }),
  }: { logger?: Logger; metrics?: StorageMetrics } = {},
): Sweeper {
  return new Sweeper({ ledger: new BlobLedger(database), blobs, metrics, clock, logger });
}
