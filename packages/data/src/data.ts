import {
  addHealthRoute,
  type Capability,
  type CapabilityContext,
  createRoutes,
  createServices,
  healthOfEach,
  type PortsOrTenants,
  probesOfEach,
  withContext,
} from '@reactor/core';
import { loadMigrations, packageVersion } from '@reactor/core/node';
import type { DataConfig } from './config.js';
import { createDataMetrics } from './metrics.js';
import { addAdminRoutes } from './routes/admin.js';
import { addCallRoutes } from './routes/call.js';
import { addExposeRoutes } from './routes/expose.js';
import { addMethodNotAllowed } from './routes/method-not-allowed.js';
import { describeTableRoutes } from './routes/openapi.js';
import { addReadRoutes, addRouteOfTableHealth } from './routes/read.js';
import { addSchemaRoutes } from './routes/schema.js';
import { addTypesRoutes } from './routes/types.js';
import { addWriteRoutes } from './routes/write.js';
import { createDataService, type DataPorts, type DataService } from './service.js';

const VERSION = packageVersion(new URL('../package.json', import.meta.url));

/** Tables, views and functions of the schema `public` under `/data/v1`: of one database, or of each tenant's. */
export function createData(config: DataConfig, context: CapabilityContext & PortsOrTenants<DataPorts>): Capability {
  const metrics = createDataMetrics(function* () {
    for (const { schema } of services.each()) yield schema;
  });
  const services = createServices<DataPorts, DataService>(context, {
    make: (ports) => createDataService(ports, { config, context, metrics }),
    start: (service) => service.start(),
    stop: (service, deadline) => service.stop(deadline),
  });

  const routes = createRoutes();
  routes.use(withContext(context));
  addSchemaRoutes(routes, services);
  addRouteOfTableHealth(routes, services);
  addHealthRoute(routes, { version: VERSION, clock: context.clock, healthOf: (c) => services.of(c).health });
  addAdminRoutes(routes, services);
  addExposeRoutes(routes, services);
  addTypesRoutes(routes, services);
  addCallRoutes(routes, services);
  addReadRoutes(routes, services);
  addWriteRoutes(routes, services);
  addMethodNotAllowed(routes);
  describeTableRoutes(routes);

  const namesOfEach = async (work: (service: DataService) => Promise<readonly string[]>) => [
    ...new Set((await services.map(work)).flat()),
  ];
  return {
    name: 'data',
    version: VERSION,
    basePath: '/data/v1',
    operatorPaths: ['/_admin/*'],
    exposedHeaders: ['Content-Range', 'Location', 'Preference-Applied', 'X-Affected-Rows'],
    routes,
    migrations: loadMigrations(new URL('../migrations/', import.meta.url)),
    appMigrations: {
      apply: () => namesOfEach((service) => service.migrateFiles()),
      dryRun: () => namesOfEach((service) => service.tryFiles()),
    },
    metrics: metrics.contributor,
    health: healthOfEach(services, ({ health }) => health),
    get probes() {
      return probesOfEach(services, ({ probes }) => probes);
    },
    start: () => services.start(),
    stop: (deadline) => services.stop(deadline),
  };
}
