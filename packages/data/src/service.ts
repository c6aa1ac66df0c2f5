import {
  type CapabilityContext,
  type Database,
  type DoctorProbe,
  type HealthCheck,
  settledBefore,
  type TokenVerifier,
} from '@reactor/core';
import { AppMigrations } from './app-migrations/app-migrations.js';
import { type AppMigration, readMigrationFiles } from './app-migrations/files.js';
import type { DataConfig } from './config.js';
import { Executor } from './execute/executor.js';
import { Grants } from './grants/grants.js';
import { dataHealth } from './health.js';
import { LockReport } from './locks.js';
import type { DataMetrics } from './metrics.js';
import { dataProbes } from './probes.js';
import { ensureRoles } from './roles.js';
import { SchemaCache } from './schema/schema-cache.js';

/** The collaborators of data. */
export interface DataPorts {
  readonly database: Database;
  /** On behalf of callers: other connections, of a login that may do less. Default: `database`. */
  readonly requests?: Database;
  /** Connections that are sessions of PostgreSQL itself, where `database` leads to a pooler. Default: `database`. */
  readonly sessions?: Database | undefined;
  readonly tokens: TokenVerifier;
}

/** What all services of a capability share. */
export interface SharedByServices {
  readonly config: DataConfig;
  readonly context: CapabilityContext;
  readonly metrics: DataMetrics;
}

/** What data has once per tenant: what its routes work with. */
export interface DataService extends SharedByServices {
  readonly database: Database;
  readonly tokens: TokenVerifier;
  readonly schema: SchemaCache;
  readonly executor: Executor;
  readonly grants: Grants;
  readonly migrations: AppMigrations;
  readonly health: HealthCheck;
  readonly probes: readonly DoctorProbe[];
  /** Applies what is pending, and reads the schema again. @returns names of what was applied */
  migrate(wanted: readonly AppMigration[]): Promise<readonly string[]>;
  /** The same with the files of `data.migrations_dir`, once the roles are as they must be. */
  migrateFiles(): Promise<readonly string[]>;
  /** Tries the files that are pending and undoes it. @returns names of what `migrateFiles` would apply */
  tryFiles(): Promise<readonly string[]>;
  start(): Promise<void>;
  stop(deadline: AbortSignal): Promise<void>;
}

/** Makes the service of one tenant. Opens nothing. */
export function createDataService(
  { database, requests = database, sessions = database, tokens }: DataPorts,
  shared: SharedByServices,
): DataService {
  const { config, context, metrics } = shared;
  const { migrationsDir, anonymousFunctions } = config;
  const { clock } = context;
  const logger = context.logger.target('reactor_data::schema');

  const locks = new LockReport(database, context.logger.target('reactor_data::locks'), clock);
  const onTimeout = () => locks.afterTimeout();
  const grants = new Grants({ database, logger: context.logger.target('reactor_data::grants'), anonymousFunctions });
  const schema = new SchemaCache({
    database,
    clock,
    logger,
    onReload: metrics.schemaReload,
    onTimeout,
    beforeRead: () => grants.tryReconcile(),
  });
  const migrations = new AppMigrations({
    database,
    sessions,
    logger: context.logger.target('reactor_data::migrations'),
    onApplied: metrics.migrationApplied,
    grants,
  });
  const files = async () => (migrationsDir === undefined ? [] : readMigrationFiles(migrationsDir));
  const migrate = async (wanted: readonly AppMigration[]) => {
    const { applied } = await migrations.apply(wanted);
    // Where nobody hears of it, as behind a pooler.
    // Applied is applied, whether or not it can be read: that is logged, and tried again.
    if (applied.length > 0 && schema.wasTried()) await schema.reload().catch(() => {});
    return applied;
  };
  const migrateFiles = async () => {
    for (const { message } of await ensureRoles(database)) logger.warn('role repaired', { problem: message });
    await grants.tryReconcile();
    return migrate(await files());
  };
  return {
    ...shared,
    database,
    tokens,
    schema,
    executor: new Executor({ database, requests, metrics, clock, onTimeout }),
    grants,
    migrations,
    health: dataHealth(requests),
    probes: dataProbes({ database, schema, migrations, migrationsDir, anonymousFunctions }),
    migrate,
    migrateFiles,
    async tryFiles() {
      const { applied: tried, untried } = await migrations.dryRun(await files());
      return [...tried, ...untried];
    },
    async start() {
      await migrateFiles();
      // Makes their login now that the roles are there, so that what it lacks is said at the start.
      await requests.query('SELECT 1');
      await schema.start();
      grants.endStart();
    },
    stop: (deadline) => settledBefore(Promise.all([schema.stop(), locks.stop()]), deadline),
  };
}
