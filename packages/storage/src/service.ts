import {
  type BlobStore,
  BlobSweeper,
  type Clock,
  type Database,
  type DoctorProbe,
  type HealthCheck,
  type TokenVerifier,
} from '@reactor/core';
import { storageHealth } from './health.js';
import { MeteredBlobs } from './metered-blobs.js';
import type { StorageMetrics } from './metrics.js';
import { Objects } from './objects.js';
import { storageProbes } from './probes.js';
import { BucketStore } from './store/buckets.js';
import { ObjectLedger } from './store/ledger.js';
import { ObjectStore } from './store/objects.js';

/** The collaborators of storage. */
export interface StoragePorts {
  readonly database: Database;
  readonly tokens: TokenVerifier;
  readonly blobs: BlobStore;
}

/** What storage has once per tenant. */
export interface StorageService extends StoragePorts {
  readonly buckets: BucketStore;
  readonly objects: Objects;
  readonly ledger: ObjectLedger;
  readonly sweeper: BlobSweeper;
  readonly health: HealthCheck;
  readonly probes: readonly DoctorProbe[];
  start(): Promise<void>;
}

/** What all services of storage share. */
export interface SharedByServices {
  readonly maxUploadBytes: number;
  readonly metrics: StorageMetrics;
  readonly clock: Clock;
}

/** Makes the service of one tenant. Opens nothing; it holds nothing that needs closing. */
export function createStorageService(
  { database, tokens, blobs }: StoragePorts,
  { maxUploadBytes, metrics, clock }: SharedByServices,
): StorageService {
  const ledger = new ObjectLedger(database);
  return {
    database,
    tokens,
    blobs,
    buckets: new BucketStore(database),
    objects: new Objects({
      store: new ObjectStore(database),
      ledger,
      blobs: new MeteredBlobs(blobs, metrics, clock),
      maxUploadBytes,
    }),
    ledger,
    sweeper: new BlobSweeper({ ledger, blobs, clock }),
    health: storageHealth({ database, blobs }),
    probes: storageProbes({ database, blobs }),
    async start() {
      await blobs.prepare();
      await ledger.folder();
    },
  };
}
