import {
  type BlobStore,
  BlobSweeper,
  type Clock,
  type Database,
  type DoctorProbe,
  type HealthCheck,
  type ServiceLife,
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
}

/** What all services of one capability share. */
export interface StorageServiceOptions {
  readonly maxUploadBytes: number;
  readonly metrics: StorageMetrics;
  readonly clock: Clock;
}

/** How the services of storage are made and brought up; they hold nothing that needs closing. */
export function storageServices(options: StorageServiceOptions): ServiceLife<StoragePorts, StorageService> {
  return {
    make: (ports) => makeService(ports, options),
    async start({ blobs, ledger }) {
      await blobs.prepare();
      await ledger.folder();
    },
  };
}

function makeService(
  { database, tokens, blobs }: StoragePorts,
  { maxUploadBytes, metrics, clock }: StorageServiceOptions,
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
  };
}
