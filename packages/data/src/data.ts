import {
  type AppMigrationRunner,
  type Capability,
  type CapabilityContext,
  createRoutes,
  type Database,
  type TokenVerifier,
  withContext,
} from '@reactor/core';
import { loadMigrations } from '@reactor/core/node';
import { AppMigrations } from './app-migrations/app-migrations.js';
import { type AppMigration, readMigrationFiles } from './app-migrations/files.js';
import type { DataConfig } from './config.js';
import { Executor } from './execute/executor.js';
import { Grants } from './grants/grants.js';
import { dataHealth } from './health.js';
import { LockReport } from './locks.js';
import { createDataMetrics } from './metrics.js';
import { dataProbes } from './probes.js';
import { ensureRoles } from './roles.js';
import { adminRoutes } from './routes/admin.js';
import { callRoutes } from './routes/call.js';
import { exposeRoutes } from './routes/expose.js';
import { describeTableRoutes } from './routes/openapi.js';
import { readRoutes } from './routes/read.js';
import { schemaRoutes } from './routes/schema.js';
import { typesRoutes } from './routes/types.js';
import { unsupportedMethods } from './routes/unsupported-methods.js';
import { writeRoutes } from './routes/write.js';
import { SchemaCache } from './schema/schema-cache.js';
import type { DataService } from './service.js';

/** The collaborators of data. */
export interface DataPorts {
  readonly database: Database;
  /** On behalf of callers: other connections, of a login that may do less. Default: `database`. */
  readonly requests?: Database;
  /** Connections that are sessions of PostgreSQL itself, where `database` leads to a pooler. Default: `database`. */
  readonly sessions?: Database | undefined;
  readonly tokens: TokenVerifier;
}

/** Tables, views and functions of the schema `public` under `/data/v1`. */
export function createData(config: DataConfig, context: CapabilityContext & DataPorts): Capability {
  const { database, requests = database, sessions = database, clock, tokens } = context;
  const { migrationsDir } = config;
  const logger = context.logger.target('reactor_data::schema');

  const locks = new LockReport(database, context.logger.target('reactor_data::locks'));
  const onTimeout = () => locks.afterTimeout();
  const metrics = createDataMetrics({ ageMs: () => schema.ageMs(), relations: () => schema.relations() });
  const grants = new Grants({
    database,
    logger: context.logger.target('reactor_data::grants'),
    anonymousFunctions: config.anonymousFunctions,
  });
  const schema = new SchemaCache({
    database,
    clock,
    logger,
    onReload: metrics.schemaReload,
    onTimeout,
    beforeRead: () => grants.tryReconcile(),
  });
  const executor = new Executor({ database, requests, metrics, clock, onTimeout });
  const migrations = new AppMigrations({
    database,
    sessions,
    logger: context.logger.target('reactor_data::migrations'),
    onApplied: metrics.migrationApplied,
    grants,
  });
  const files = async () => (migrationsDir === undefined ? [] : readMigrationFiles(migrationsDir));
  const apply = async (wanted: readonly AppMigration[]) => {
    const { applied } = await migrations.apply(wanted);
    // Where nobody hears of it, as behind a pooler.
    // Applied is applied, whether or not it can be read: that is logged, and tried again.
    if (applied.length > 0 && schema.wasTried()) await schema.reload().catch(() => {});
    return applied;
  };
  const appMigrations: AppMigrationRunner = {
    async apply() {
      for (const { message } of await ensureRoles(database)) logger.warn('role repaired', { problem: message });
      await grants.tryReconcile();
      return apply(await files());
    },
    async dryRun() {
      const { applied: tried, untried } = await migrations.dryRun(await files());
      return [...tried, ...untried];
    },
  };
  const service: DataService = { config, schema, executor, metrics, tokens };

  const routes = createRoutes();
  routes.use(withContext(context));
  schemaRoutes(routes, service);
  adminRoutes(routes, service, { migrations, apply });
  exposeRoutes(routes, service, { grants });
  typesRoutes(routes, service, { database });
  callRoutes(routes, service);
  readRoutes(routes, service);
  writeRoutes(routes, service);
  unsupportedMethods(routes);
  describeTableRoutes(routes);

  return {
    name: 'data',
    version: '0.1.0',
    basePath: '/data/v1',
    operatorPaths: ['/_admin/*'],
    routes,
    migrations: loadMigrations(new URL('../migrations/', import.meta.url)),
    appMigrations,
    metrics: metrics.contributor,
    health: dataHealth(requests),
    probes: dataProbes({ database, schema, migrations, migrationsDir, anonymousFunctions: config.anonymousFunctions }),
    async start() {
      await appMigrations.apply();
      // Makes their login now that the roles are there, so that what it lacks is said at the start.
      await requests.query('SELECT 1');
      await schema.start();
      grants.endStart();
    },
    async stop() {
      await schema.stop();
      await locks.stop();
    },
  };
}
