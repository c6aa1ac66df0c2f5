import type { Logging } from '@reactor/observability';
import { type MigrationName, migrate, migrationStatus } from '@reactor/postgres';
import type { Assembly } from './platform.js';

/** Owner of the migrations that the operator brings. */
const APP = 'app';

/** Applies the pending migrations of every capability. @throws Error naming whose failed and what PostgreSQL said */
export async function applyOwnMigrations(
  { database, migrationSets }: Assembly,
  logging: Logging,
): Promise<readonly MigrationName[]> {
  return (await migrate(database, migrationSets, { logger: logging.logger('reactor_server') })).applied;
}

/**
 * The same, and then the app's own. A start does not need it: a capability applies them when it starts.
 * @throws Error naming whose migration failed and what PostgreSQL said
 */
export async function applyMigrations(assembly: Assembly, logging: Logging): Promise<readonly MigrationName[]> {
  const applied = [...(await applyOwnMigrations(assembly, logging))];
  for (const { appMigrations } of assembly.capabilities) applied.push(...named(await appMigrations?.apply()));
  return applied;
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

function named(ids: readonly string[] = []): readonly MigrationName[] {
  return ids.map((id) => ({ owner: APP, id }));
}
