import {
  type Capability,
  type CapabilityContext,
  createRoutes,
  type Database,
  metricsContributor,
  type TokenVerifier,
  withContext,
} from '@reactor/core';
import { loadMigrations } from '@reactor/core/node';
import type { FilesystemBlobStore } from './blobs/filesystem.js';
import type { StorageConfig } from './config.js';
import { storageHealth } from './health.js';

/** The collaborators of storage. */
export interface StoragePorts {
  readonly database: Database;
  readonly tokens: TokenVerifier;
  readonly blobs: FilesystemBlobStore;
}

/** Buckets and objects under `/storage/v1`. */
export function createStorage(_config: StorageConfig, context: CapabilityContext & StoragePorts): Capability {
  const routes = createRoutes();
  routes.use(withContext(context));
  return {
    name: 'storage',
    version: '0.1.0',
    basePath: '/storage/v1',
    routes,
    migrations: loadMigrations(new URL('../migrations/', import.meta.url)),
    metrics: metricsContributor([]),
    health: storageHealth(context),
    probes: [],
    start: () => context.blobs.prepare(),
    stop: async () => {},
  };
}
