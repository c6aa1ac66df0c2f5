import {
  counter,
  type Database,
  histogram,
  type MetricsContributor,
  metricsContributor,
  observedGauge,
  shareRuns,
} from '@reactor/core';
import { BlobLedger } from './store/blobs.js';
import type { SweepResult } from './sweeper.js';

export const OPERATIONS = ['put', 'get', 'head', 'delete', 'list'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** `rejected`: the caller's mistake (4xx). `aborted`: the client went away. `failed`: ours. */
export const OPERATION_RESULTS = ['ok', 'rejected', 'aborted', 'failed'] as const;
export type OperationResult = (typeof OPERATION_RESULTS)[number];

/** What happened, in the words of storage. Durations in milliseconds. */
export interface StorageMetrics {
  readonly contributor: MetricsContributor;
  operation(operation: Operation, result: OperationResult): void;
  received(bytes: number): void;
  sent(bytes: number): void;
  backend(operation: 'put' | 'get' | 'delete', durationMs: number): void;
  swept(result: SweepResult): void;
  sweepFailed(): void;
}

/** From a cached read to an upload of the largest size onto a busy disk. */
const BACKEND_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createStorageMetrics(sources: { readonly database: Database }): StorageMetrics {
  const ledger = new BlobLedger(sources.database);
  const operations = counter({
    name: 'reactor_storage_operations_total',
    help: 'Finished operations on objects',
    moves: 'once per operation, for a download when its last byte was sent or the client went away',
    unit: 'none',
    labels: { operation: OPERATIONS, result: OPERATION_RESULTS },
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
  const sweeps = counter({
    name: 'reactor_storage_sweeps_total',
    help: 'Passes of the sweeper, which removes files that no object points to',
    moves: 'at the end of each pass, about once a minute',
    unit: 'none',
    labels: { result: ['ok', 'failed'] },
  });
  const swept = counter({
    name: 'reactor_storage_swept_files_total',
    help: 'Files found by the sweeper: temporary ones of broken uploads, orphans that no object ever pointed to, and condemned ones that it removed (orphans, and blobs of deleted or replaced objects)',
    moves: 'at the end of each pass',
    unit: 'none',
    labels: { kind: ['temporary', 'orphan', 'condemned'] },
  });
  const usage = shareRuns(() => ledger.usage());
  const families = [
    operations,
    receivedBytes,
    sentBytes,
    backendDuration,
    sweeps,
    swept,
    observedGauge({
      name: 'reactor_storage_objects',
      help: 'Objects in all buckets, the same on every server',
      moves: 'with each scrape, which reads it from the database',
      unit: 'none',
      aggregator: 'max',
      collect: async () => (await usage()).objects,
    }),
    observedGauge({
      name: 'reactor_storage_stored_bytes',
      help: 'Bytes of all objects, the same on every server',
      moves: 'with each scrape, which reads it from the database',
      unit: 'bytes',
      aggregator: 'max',
      collect: async () => (await usage()).bytes,
    }),
    observedGauge({
      name: 'reactor_storage_condemned_blobs',
      help: 'Blobs of deleted or replaced objects whose bytes still have to be removed, the same on every server',
      moves: 'with each scrape, which reads it from the database',
      unit: 'none',
      aggregator: 'max',
      collect: async () => (await ledger.backlog()).blobs,
    }),
  ];
  const receivedChild = receivedBytes.child({});
  const sentChild = sentBytes.child({});
  return {
    contributor: metricsContributor(families),
    operation: (operation, result) => operations.child({ operation, result }).inc(),
    received: (bytes) => receivedChild.inc(bytes),
    sent: (bytes) => sentChild.inc(bytes),
    backend: (operation, durationMs) => backendDuration.child({ operation }).observe(durationMs / 1000),
    swept(result) {
      sweeps.child({ result: 'ok' }).inc();
      for (const kind of ['temporary', 'orphan', 'condemned'] as const) swept.child({ kind }).inc(result[kind]);
    },
    sweepFailed: () => sweeps.child({ result: 'failed' }).inc(),
  };
}
