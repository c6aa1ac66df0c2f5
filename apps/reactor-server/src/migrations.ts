import { type DoctorProbe, ReactorError } from '@reactor/core';
import type { DoctorSubject, Logging } from '@reactor/observability';
import { type MigrationName, migrate, migrationStatus, migrationsProbe } from '@reactor/postgres';
import { EXIT, ExitError } from './exit.js';
import type { Assembly } from './platform.js';

/** Owner of the migrations that the operator brings. */
const APP = 'app';

/**
 * Applies what is pending: the migrations of every capability, then the app's own.
 * @throws Error naming whose migration failed and what PostgreSQL said
 */
export async function applyMigrations(
  { database, migrationSets, capabilities }: Assembly,
  logging: Logging,
): Promise<readonly MigrationName[]> {
  const logger = logging.logger('reactor_server');
  const applied = [...(await migrate(database, migrationSets, { logger })).applied];
  for (const { appMigrations } of capabilities) applied.push(...named(await appMigrations?.apply()));
  return applied;
}

/** Where it is not a migration itself that fails. */
const EXIT_CODES: Readonly<Record<string, number>> = {
  migrations_unreadable: EXIT.configuration,
  roles_unfit: EXIT.capabilityFailed,
};

/**
 * The same for a process that ends when it fails.
 * @throws ExitError (1), (2) when the configured folder of the app's migrations cannot be read, (6) when data cannot run
 */
export async function applyMigrationsOrExit(assembly: Assembly, logging: Logging): Promise<readonly MigrationName[]> {
  try {
    return await applyMigrations(assembly, logging);
  } catch (error) {
    const code = error instanceof ReactorError ? EXIT_CODES[error.code] : undefined;
    throw new ExitError(code ?? EXIT.migrationFailed, (error as Error).message, { cause: error });
  }
}

/**
 * Tries what is pending and undoes it. While a capability lacks migrations of its own, only those are named: the app's
 * stand on them.
 * @throws ReactorError naming the app's migration that fails
 */
export async function tryMigrations({
  database,
  migrationSets,
  capabilities,
}: Assembly): Promise<readonly MigrationName[]> {
  const { pending } = await migrationStatus(database, migrationSets);
  if (pending.length > 0) return pending;
  const names: MigrationName[] = [];
  for (const { appMigrations } of capabilities) names.push(...named(await appMigrations?.dryRun()));
  return names;
}

/** The probes of every capability, `migrations` among them: whether what the server applies for it is applied. */
export function doctorSubjects({ capabilities, database, migrationSets }: Assembly): DoctorSubject[] {
  return capabilities.map(({ name, probes }) => {
    const own = migrationSets.filter(({ owner }) => owner === name);
    if (own.length === 0) return { name, probes };
    const schema = migrationsProbe(database, own);
    const others = probes.filter((probe) => probe.name !== schema.name);
    const app = probes.find((probe) => probe.name === schema.name);
    return { name, probes: [...others, app === undefined ? schema : inTurn(schema, app)] };
  });
}

/** One probe for two of the same name: the second is asked when the first finds nothing. */
function inTurn(first: DoctorProbe, second: DoctorProbe): DoctorProbe {
  return {
    ...first,
    timeoutMs: first.timeoutMs + second.timeoutMs,
    async run(signal) {
      const before = await first.run(signal);
      if (before.status !== 'ok') return before;
      const after = await second.run(signal);
      if (after.status !== 'ok') return after;
      return { status: 'ok', message: [before.message, after.message].filter(Boolean).join('; ') };
    },
  };
}

function named(ids: readonly string[] = []): readonly MigrationName[] {
  return ids.map((id) => ({ owner: APP, id }));
}
