export { type DatabaseOptions, openDatabase, type PostgresDatabase } from './database/open-database.js';
export { DatabaseUnreachableError } from './database/wait-until-ready.js';
export { EmbeddedPostgresError, type EmbeddedPostgresErrorCode } from './embedded/errors.js';
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './embedded/start.js';
