import { type Capability, type CapabilityContext, systemClock } from '@reactor/core';
import type { DoctorSubject, Logging } from '@reactor/observability';
import {
  checkPrivileges,
  type EmbeddedPostgres,
  type MigrationSet,
  migrate,
  migrationsProbe,
  openDatabase,
  type PostgresDatabase,
  startEmbeddedPostgres,
} from '@reactor/postgres';
import { type AdminGate, createAdminGate } from './admin/gate.js';
import { createCapabilities } from './capabilities.js';
import type { Settings } from './config/settings.js';
import { EXIT, ExitError } from './exit.js';
import { generatedSecrets } from './secrets.js';

/** The database and everything that stands on it, opened but not started: what serve, doctor and migrate share. */
export interface Platform {
  readonly database: PostgresDatabase;
  readonly embedded?: EmbeddedPostgres;
  readonly capabilities: readonly Capability[];
  readonly migrationSets: readonly MigrationSet[];
  close(deadline: AbortSignal): Promise<void>;
}

export interface Secrets {
  readonly gate: AdminGate;
  readonly adminToken: string;
  /** By key path; those that the configuration left open. */
  readonly generated: ReadonlyMap<string, string>;
}

/** How long a start waits for an external database that does not answer yet, e.g. because it is starting too. */
const DATABASE_PATIENCE_MS = 30_000;

/** Reads or makes the secrets that nobody configured, and the gate that the admin token opens. */
export async function openSecrets({ loaded, config }: Settings): Promise<Secrets> {
  const generated = await generatedSecrets(config.stateDirectory, loaded.missingSecrets);
  const adminToken = (generated.get('admin.token') ?? loaded.values.admin?.token) as string;
  return { generated, adminToken, gate: createAdminGate({ token: adminToken, allowRemote: config.allowRemoteAdmin }) };
}

/**
 * Starts or connects to the database and makes the capabilities on it. An external database need not answer yet.
 * @throws ExitError (5) when the embedded one cannot start, with what to do about it
 */
export async function openPlatform(settings: Settings, secrets: Secrets, logging: Logging): Promise<Platform> {
  const { config, loaded } = settings;
  const context: CapabilityContext = { logger: logging.logger('reactor_server'), clock: systemClock };
  const embedded = config.database.url === undefined ? await startEmbedded(config.stateDirectory, context) : undefined;
  const database = openDatabase({
    connectionString: embedded?.connectionString ?? (config.database.url as string),
    poolMax: config.database.poolMax,
    acquireTimeoutMs: config.database.acquireTimeoutMs,
    ...context,
  });
  const capabilities = createCapabilities(loaded.capabilities, sections(settings, secrets), {
    database,
    stateDirectory: config.stateDirectory,
    gate: secrets.gate,
    contextOf: (name) => ({ logger: logging.logger(`reactor_${name}`), clock: systemClock }),
  });
  return {
    database,
    ...(embedded === undefined ? {} : { embedded }),
    capabilities,
    migrationSets: capabilities
      .filter(({ migrations }) => migrations.length > 0)
      .map(({ name, migrations }) => ({ owner: name, migrations })),
    async close(deadline) {
      await database.close();
      await embedded?.stop(deadline);
    },
  };
}

/** @throws ExitError (5) when the database does not answer, is too old, or this login may not do what is needed */
export async function awaitDatabase({ database }: Platform, signal: AbortSignal): Promise<void> {
  // A timer of our own: a signal composed by AbortSignal.any() is not kept alive by those who wait for it, and its
  // timeout may be collected with it.
  const patience = new AbortController();
  const giveUp = () => patience.abort();
  const timer = setTimeout(giveUp, DATABASE_PATIENCE_MS);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await database.waitUntilReady(patience.signal);
    await checkPrivileges(database);
  } catch (error) {
    signal.throwIfAborted();
    throw new ExitError(EXIT.databaseUnreachable, (error as Error).message, { cause: error });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}

async function startEmbedded(stateDirectory: string, context: CapabilityContext): Promise<EmbeddedPostgres> {
  try {
    return await startEmbeddedPostgres({ stateDirectory, ...context });
  } catch (error) {
    throw new ExitError(EXIT.databaseUnreachable, (error as Error).message, { cause: error });
  }
}

/** The sections of the configuration with the generated secrets put in. */
function sections({ loaded }: Settings, { generated }: Secrets): Record<string, unknown> {
  const all: Record<string, Record<string, unknown>> = {};
  for (const name of loaded.capabilities) all[name] = { ...loaded.values[name] };
  for (const [path, value] of generated) {
    const [section = '', key = ''] = path.split('.');
    const table = all[section];
    if (table !== undefined) table[key] = value;
  }
  return all;
}

/** @throws ExitError (1) naming the capability, the migration and what PostgreSQL said */
export async function applyMigrations({ database, migrationSets }: Platform, logging: Logging) {
  try {
    return (await migrate(database, migrationSets, { logger: logging.logger('reactor_server') })).applied;
  } catch (error) {
    throw new ExitError(EXIT.migrationFailed, (error as Error).message, { cause: error });
  }
}

/** The probes of every capability, with one besides for the migrations that the server applies for it. */
export function doctorSubjects({ capabilities, database, migrationSets }: Platform): DoctorSubject[] {
  return capabilities.map(({ name, probes }) => {
    const own = migrationSets.filter(({ owner }) => owner === name);
    return { name, probes: own.length === 0 ? probes : [...probes, migrationsProbe(database, own)] };
  });
}
