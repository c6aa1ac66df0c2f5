import {
  addHealthRoute,
  authenticate,
  type Capability,
  type CapabilityContext,
  createBlobSweep,
  createRoutes,
  createServices,
  healthOfEach,
  MAX_BODY_BYTES,
  type OwnedServices,
  type PortsOrTenants,
  probesOfEach,
  withContext,
} from '@reactor/core';
import { loadMigrations, packageVersion } from '@reactor/core/node';
import type { StorageConfig } from './config.js';
import { createStorageMetrics } from './metrics.js';
import { addBucketRoutes } from './routes/buckets.js';
import { addListingRoutes } from './routes/listing.js';
import { addObjectRoutes } from './routes/objects.js';
import { createStorageService, type StoragePorts, type StorageService } from './service.js';

const VERSION = packageVersion(new URL('../package.json', import.meta.url));

/** Buckets and objects under `/storage/v1`, of one database and one blob store or of each tenant's. */
export function createStorage(
  { maxUploadBytes }: StorageConfig,
  context: CapabilityContext & PortsOrTenants<StoragePorts>,
): Capability {
  const { clock, maxBodyBytes = MAX_BODY_BYTES } = context;
  const metrics = createStorageMetrics({ map: (work) => services.map(work) });
  const services: OwnedServices<StorageService> = createServices<StoragePorts, StorageService>(context, {
    make: (ports) => createStorageService(ports, { maxUploadBytes, metrics, clock }),
    start: (service) => service.start(),
  });
  const sweeping = createBlobSweep({
    services,
    sweeperOf: ({ sweeper }) => sweeper,
    metrics: metrics.sweeps,
    logger: context.logger.target('reactor_storage::sweeper'),
  });

  const routes = createRoutes();
  routes.use(withContext(context));
  addHealthRoute(routes, { version: VERSION, clock, healthOf: (c) => services.of(c).health });
  routes.use(authenticate((c) => services.of(c).tokens));
  addBucketRoutes(routes, services, maxBodyBytes);
  addListingRoutes(routes, services, metrics);
  addObjectRoutes(routes, services, metrics);

  return {
    name: 'storage',
    version: VERSION,
    basePath: '/storage/v1',
    exposedHeaders: ['ETag', 'Content-Range'],
    routes,
    migrations: loadMigrations(new URL('../migrations/', import.meta.url)),
    metrics: metrics.contributor,
    health: healthOfEach(services, ({ health }) => health),
    get probes() {
      return probesOfEach(services, ({ probes }) => probes);
    },
    async start() {
      await services.start();
      sweeping.start();
    },
    async stop(deadline) {
      await sweeping.stop(deadline);
      await services.stop(deadline);
    },
  };
}
