import { BlobSweeper, type SweepResult } from '@reactor/core';
import { ObjectLedger } from '../../src/store/ledger.js';
import type { TestStorage } from './storage.js';

/** A sweeper of its own for what `storage` keeps, as another server has one. */
export function createSweeper({ database, blobs, clock }: Pick<TestStorage, 'database' | 'blobs' | 'clock'>): {
  readonly sweeper: BlobSweeper;
  /** One pass. */
  run(): Promise<SweepResult>;
} {
  const sweeper = new BlobSweeper({ ledger: new ObjectLedger(database), blobs, clock });
  return { sweeper, run: () => sweeper.sweep(new AbortController().signal) };
}
