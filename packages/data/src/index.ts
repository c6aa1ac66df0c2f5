export { type AppMigrationStatus, AppMigrations, type AppMigrationsOptions } from './app-migrations/app-migrations.js';
export { type AppMigration, readMigrationFiles } from './app-migrations/files.js';
export { type DataConfig, dataConfigSchema, parseDataConfig } from './config.js';
export { createData, type DataPorts } from './data.js';
export { dataErrors } from './errors.js';
export { dataHealth } from './health.js';
export { createDataMetrics, type DataMetrics, type SchemaState } from './metrics.js';
export { type DataProbesOptions, dataProbes } from './probes.js';
export { SchemaCache, type SchemaCacheOptions } from './schema/schema-cache.js';
