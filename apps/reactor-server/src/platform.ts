import path from 'node:path';
import {
  type BlobStore,
  type Capability,
  type CapabilityContext,
  type Database,
  type DoctorProbe,
  EXIT,
  REQUEST_ROLES,
  systemClock,
  withTimeout,
} from '@reactor/core';
import type { Logging } from '@reactor/observability';
import {
  checkPrivileges,
  type DatabaseOptions,
  type DatabasesOptions,
  type EmbeddedPostgres,
  type MigrationSet,
  openDatabase,
  openDatabases,
  type PostgresDatabase,
  startEmbeddedPostgres,
} from '@reactor/postgres';
import { type AdminGate, createAdminGate } from './admin/gate.js';
import { createBlobStore } from './blobs.js';
import { type CapabilityEntry, createCapabilities, keepBlobs, servesCallersFromDatabase } from './capabilities.js';
import { adminSection } from './config/sections.js';
import type { Settings } from './config/settings.js';
import { ExitError } from './exit.js';
import { generatedSecrets, withSecrets } from './secrets.js';

/** The database, embedded or external, as configured. */
export interface OpenedDatabase {
  readonly database: PostgresDatabase;
  /** On behalf of callers; absent where no capability needs it. */
  readonly requests?: Database;
  readonly embedded?: EmbeddedPostgres;
  close(deadline: AbortSignal): Promise<void>;
}

/** What stands on a database: made, not started. */
export interface Assembly {
  readonly database: Database;
  readonly capabilities: readonly Capability[];
  readonly migrationSets: readonly MigrationSet[];
  /** Absent where no capability keeps blobs. */
  readonly blobs?: BlobStore;
  /** What the doctor asks of the connections themselves. */
  readonly databaseProbes: readonly DoctorProbe[];
}

/** Both: what serve and migrate work with. */
export type Platform = OpenedDatabase & Assembly;

export interface Secrets {
  readonly gate: AdminGate;
  readonly adminToken: string;
  /** By key path; those that the configuration left open. */
  readonly generated: ReadonlyMap<string, string>;
}

/** How long a start waits for an external database that does not answer yet, e.g. because it is starting too. */
const DATABASE_PATIENCE_MS = 30_000;

/**
 * Reads or makes the secrets that nobody configured, and the gate that the admin token opens.
 * @param keep whether new ones are written down
 */
export async function openSecrets({ loaded, config }: Settings, keep = true): Promise<Secrets> {
  const generated = await generatedSecrets(config.stateDirectory, loaded.missingSecrets, keep);
  const admin = adminSection.parse(withSecrets(loaded.values, generated).admin);
  return { generated, adminToken: admin.token, gate: createAdminGate(admin) };
}

/**
 * Starts or connects to the database and makes the capabilities on it. An external database need not answer yet.
 * @param url where this process listens
 * @throws ExitError (5) when the embedded one cannot start, with what to do about it
 */
export async function openPlatform(
  settings: Settings,
  secrets: Secrets,
  logging: Logging,
  url?: string,
): Promise<Platform> {
  const opened = await openConfiguredDatabase(settings, logging);
  return { ...assemble(settings, secrets, logging, opened, url), ...opened };
}

/** @throws ExitError (5) when the embedded database cannot start */
export async function openConfiguredDatabase(settings: Settings, logging: Logging): Promise<OpenedDatabase> {
  const { config } = settings;
  const { url, directUrl, requestsUrl, poolMax, acquireTimeoutMs, preparedStatements, eventsPollMs } = config.database;
  const context: CapabilityContext = { logger: logging.logger('reactor_server'), clock: systemClock };
  const embedded = url === undefined ? await startEmbedded(config.stateDirectory, context) : undefined;
  const options = {
    connectionString: embedded?.connectionString ?? (url as string),
    directConnectionString: directUrl,
    preparedStatements,
    poolMax,
    acquireTimeoutMs,
    eventsPollMs,
    ...context,
  };
  const opened = openPools(options, servesCallersFromDatabase(mountedEntries(settings)), {
    requestsConnectionString: requestsUrl,
    isEmbedded: embedded !== undefined,
  });
  const { database } = opened;
  return {
    ...opened,
    ...(embedded === undefined ? {} : { embedded }),
    async close(deadline) {
      await database.close();
      await embedded?.stop(deadline);
    },
  };
}

function openPools(
  options: DatabaseOptions,
  forCallers: boolean,
  login: Pick<DatabasesOptions, 'requestsConnectionString' | 'isEmbedded'>,
): Pick<OpenedDatabase, 'database' | 'requests'> {
  if (!forCallers) return { database: openDatabase(options) };
  const database = openDatabases({ ...options, ...login });
  return { database, requests: database.requests };
}

/** What capabilities are made on; `probes` of a database that could not be opened are absent. */
export interface Databases {
  readonly database: Database & Partial<Pick<PostgresDatabase, 'probes' | 'direct'>>;
  readonly requests?: Database;
}

/** Makes the configured capabilities on a database. */
export function assemble(
  settings: Settings,
  secrets: Secrets,
  logging: Logging,
  { database, requests = database }: Databases,
  url?: string,
): Assembly {
  const blobs = createBlobStore(settings);
  const values = withSecrets(settings.loaded.values, secrets.generated);
  const capabilities = createCapabilities(mountedEntries(settings), values, {
    database,
    requests,
    sessions: database.direct,
    blobs,
    url,
    cacheDirectory: path.join(settings.config.stateDirectory, 'cache'),
    directory: settings.loaded.directory,
    gate: secrets.gate,
    corsOrigins: settings.config.corsOrigins,
    contextOf: (name) => ({
      logger: logging.logger(`reactor_${name}`),
      clock: systemClock,
      maxBodyBytes: settings.config.maxBodyBytes,
    }),
  });
  const migrationSets = capabilities
    .filter(({ migrations }) => migrations.length > 0)
    .map(({ name, migrations }) => ({ owner: name, migrations }));
  return {
    database,
    capabilities,
    migrationSets,
    ...(keepBlobs(mountedEntries(settings)) ? { blobs } : {}),
    databaseProbes: database.probes ?? [],
  };
}

/** @throws ExitError (5) when the database does not answer, is too old, or this login may not do what is needed */
export async function awaitDatabase({ database, requests }: Platform, signal: AbortSignal): Promise<void> {
  try {
    await withTimeout(DATABASE_PATIENCE_MS, (patience) => database.waitUntilReady(patience), signal);
    await database.assertOneDatabase();
    await checkPrivileges(database, requests === undefined ? [] : REQUEST_ROLES);
  } catch (error) {
    signal.throwIfAborted();
    throw new ExitError(EXIT.databaseUnreachable, (error as Error).message, { cause: error });
  }
}

async function startEmbedded(stateDirectory: string, context: CapabilityContext): Promise<EmbeddedPostgres> {
  try {
    return await startEmbeddedPostgres({ stateDirectory, ...context });
  } catch (error) {
    throw new ExitError(EXIT.databaseUnreachable, (error as Error).message, { cause: error });
  }
}

/** What is mounted, in start order. */
function mountedEntries({ loaded, available }: Settings): readonly CapabilityEntry[] {
  return available.filter(({ section }) => loaded.capabilities.includes(section.name));
}
