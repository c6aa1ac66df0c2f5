export { checkDatabaseUrl } from './database/check-url.js';
export {
  type DatabaseOptions,
  type DatabasesOptions,
  openDatabase,
  openDatabases,
  type PostgresDatabase,
  type PostgresDatabases,
} from './database/open-database.js';
export type { PingResult } from './database/ping-result.js';
export type { PreparedStatementsMode } from './database/pooler.js';
export { MINIMUM_POOL_MAX } from './database/shares.js';
export { DatabaseUnreachableError } from './database/wait-until-ready.js';
export { EmbeddedPostgresError, type EmbeddedPostgresErrorCode } from './embedded/errors.js';
export { embeddedPostgresMetrics } from './embedded/metrics.js';
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded/start.js';
export { ChangedMigrationError, MigrationFailedError } from './migrations/errors.js';
export { type MigrateOptions, type MigrateResult, migrate } from './migrations/migrate.js';
export { type MigrationName, type MigrationSet, type MigrationStatus, migrationStatus } from './migrations/status.js';
export { migrationsProbe } from './probes.js';
export { checkPrivileges, DatabaseRequirementError, MINIMUM_MAJOR_VERSION } from './requirements.js';
export type { StateLockFields, StateLockOwner } from './state-lock/record.js';
export {
  lockStateDirectory,
  readStateLock,
  StateDirectoryLockedError,
  StateDirectoryUnusableError,
  type StateLock,
} from './state-lock/state-lock.js';
