import { type Database, type DoctorProbe, databaseProbe } from '@reactor/core';
import { type MigrationSet, migrationStatus, nameOf } from './migrations/status.js';

/** Long enough for a slow network, short enough for someone who waits at a terminal. */
const PROBE_TIMEOUT_MS = 2_000;

/** `migrations`: whether the schema is what this release needs. */
export function migrationsProbe(database: Database, sets: readonly MigrationSet[]): DoctorProbe {
  return databaseProbe({
    name: 'migrations',
    timeoutMs: PROBE_TIMEOUT_MS,
    database,
    async run(signal) {
      const { applied, pending, changed, unknown } = await migrationStatus(database, sets, { signal });
      if (changed.length > 0) {
        return {
          status: 'fail',
          code: 'migrations_changed',
          message: `Changed after being applied: ${changed.map(nameOf).join(', ')}`,
          remedy: 'Put the migration files back as they were and write the change as a new migration.',
        };
      }
      if (pending.length > 0) {
        return {
          status: 'fail',
          code: 'migrations_pending',
          message: `Not applied: ${pending.map(nameOf).join(', ')}`,
          remedy: 'Restart the server, or run: reactor-server migrate',
        };
      }
      if (unknown.length > 0) {
        return {
          status: 'warn',
          code: 'migrations_unknown',
          message: `Applied by another release: ${unknown.map(nameOf).join(', ')}`,
          remedy: 'Run the release that brought them, or restore the backup made before it.',
        };
      }
      return { status: 'ok', message: `${applied.length} applied` };
    },
  });
}
