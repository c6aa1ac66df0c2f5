import {
  authenticate,
  type BlobStore,
  type Capability,
  type CapabilityContext,
  createRoutes,
  type Database,
  type TokenVerifier,
  withContext,
} from '@reactor/core';
import { loadMigrations } from '@reactor/core/node';
import type { StorageConfig } from './config.js';
import { storageHealth } from './health.js';
import { MeteredBlobs } from './metered-blobs.js';
import { createStorageMetrics } from './metrics.js';
import { Objects } from './objects.js';
import { storageProbes } from './probes.js';
import { bucketRoutes } from './routes/buckets.js';
import { listingRoutes } from './routes/listing.js';
import { objectRoutes } from './routes/objects.js';
import { describeObjectRoutes } from './routes/openapi.js';
import { BlobLedger } from './store/blobs.js';
import { BucketStore } from './store/buckets.js';
import { ObjectStore } from './store/objects.js';
import { Sweeper } from './sweeper.js';

/** The collaborators of storage. */
export interface StoragePorts {
  readonly database: Database;
  readonly tokens: TokenVerifier;
  readonly blobs: BlobStore;
}

/** Buckets and objects under `/storage/v1`. */
export function createStorage(config: StorageConfig, context: CapabilityContext & StoragePorts): Capability {
  const { database, blobs, clock } = context;
  const { maxUploadBytes } = config;

  const buckets = new BucketStore(database);
  const ledger = new BlobLedger(database);
  const metrics = createStorageMetrics({ database });
  const objects = new Objects({
    store: new ObjectStore(database),
    ledger,
    blobs: new MeteredBlobs(blobs, metrics, clock),
    maxUploadBytes,
  });
  const logger = context.logger.target('reactor_storage::sweeper');
  const sweeper = new Sweeper({ ledger, blobs, metrics, clock, logger });

  const routes = createRoutes();
  routes.use(
    withContext(context),
    authenticate(() => context.tokens),
  );
  bucketRoutes(routes, buckets);
  listingRoutes(routes, { buckets, database, metrics });
  objectRoutes(routes, objects, metrics);
  describeObjectRoutes(routes);

  return {
    name: 'storage',
    version: '0.1.0',
    basePath: '/storage/v1',
    routes,
    migrations: loadMigrations(new URL('../migrations/', import.meta.url)),
    metrics: metrics.contributor,
    health: storageHealth({ database, blobs }),
    probes: storageProbes({ database, blobs }),
    async start() {
      await blobs.prepare();
      await ledger.storeId();
      sweeper.start();
    },
    stop: (deadline) => sweeper.stop(deadline),
  };
}
