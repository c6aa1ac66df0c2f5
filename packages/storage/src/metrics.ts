import {
  counter,
  createSweepMetrics,
  type Database,
  histogram,
  type MetricsContributor,
  metricsContributor,
  observedGauge,
  RESULTS,
  type Result,
  type Services,
  type SweepMetrics,
  shareRuns,
} from '@reactor/core';
import { ObjectLedger } from './store/ledger.js';

export const OPERATIONS = ['put', 'get', 'head', 'delete', 'list'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** What happened, in the words of storage. Durations in milliseconds. */
export interface StorageMetrics {
  readonly contributor: MetricsContributor;
  operation(operation: Operation, result: Result): void;
  received(bytes: number): void;
  sent(bytes: number): void;
  backend(operation: 'put' | 'get' | 'delete', durationMs: number): void;
  readonly sweeps: SweepMetrics;
}

/** From a cached read to an upload of the largest size onto a busy disk. */
const BACKEND_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** @param services whose totals are read, and added up, when a scrape asks */
export function createStorageMetrics(services: Pick<Services<{ readonly database: Database }>, 'map'>): StorageMetrics {
  const operations = counter({
    name: 'reactor_storage_operations_total',
    help: 'Finished operations on objects',
    moves: 'once per operation, for a download when its last byte was sent or the client went away',
    unit: 'none',
    labels: { operation: OPERATIONS, result: RESULTS },
  });
  const receivedBytes = counter({
    name: 'reactor_storage_received_bytes_total',
    help: 'Bytes of uploads, kept or not',
    moves: 'as they arrive',
    unit: 'bytes',
  });
  const sentBytes = counter({
    name: 'reactor_storage_sent_bytes_total',
    help: 'Bytes of downloads',
    moves: 'as they are handed to the connection',
    unit: 'bytes',
  });
  const backendDuration = histogram({
    name: 'reactor_storage_backend_duration_seconds',
    help: 'Time the blob store took for one blob, without the time it waited for the client',
    moves: 'once per blob written, read or removed on behalf of a request',
    unit: 'seconds',
    labels: { operation: ['put', 'get', 'delete'] },
    buckets: BACKEND_BUCKETS,
  });
  const sweeps = createSweepMetrics('storage');
  // Two families of one scrape need the same reading.
  const usage = shareRuns(() => services.map(({ database }) => new ObjectLedger(database).usage()));
  const backlog = () => services.map(({ database }) => new ObjectLedger(database).backlog());
  const families = [
    operations,
    receivedBytes,
    sentBytes,
    backendDuration,
    ...sweeps.families,
    observedGauge({
      name: 'reactor_storage_objects',
      help: 'Objects in all buckets, the same on every server',
      moves: 'with each scrape, which reads it from the database',
      unit: 'none',
      aggregator: 'max',
      collect: async () => total((await usage()).map(({ objects }) => objects)),
    }),
    observedGauge({
      name: 'reactor_storage_stored_bytes',
      help: 'Bytes of all objects, the same on every server',
      moves: 'with each scrape, which reads it from the database',
      unit: 'bytes',
      aggregator: 'max',
      collect: async () => total((await usage()).map(({ bytes }) => bytes)),
    }),
    observedGauge({
      name: 'reactor_storage_condemned_blobs',
      help: 'Blobs of deleted or replaced objects whose bytes are not removed yet, the same on every server',
      moves: 'with each scrape, which reads it from the database',
      unit: 'none',
      aggregator: 'max',
      collect: async () => total((await backlog()).map(({ blobs }) => blobs)),
    }),
  ];
  const receivedChild = receivedBytes.child({});
  const sentChild = sentBytes.child({});
  return {
    contributor: metricsContributor(families),
    sweeps,
    operation: (operation, result) => operations.child({ operation, result }).inc(),
    received: (bytes) => receivedChild.inc(bytes),
    sent: (bytes) => sentChild.inc(bytes),
    backend: (operation, durationMs) => backendDuration.child({ operation }).observe(durationMs / 1000),
  };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
