import type { Database, DoctorProbe } from '@reactor/core';
import { reasonOf } from './database/errors.js';
import { type MigrationSet, migrationStatus, nameOf } from './migrations/status.js';
import { MINIMUM_MAJOR_VERSION } from './requirements.js';

/** Long enough for a slow network, short enough for someone who waits at a terminal. */
const PROBE_TIMEOUT_MS = 2_000;

/** `db_ping`: one round trip on a new connection. Vouches for the resource `database`. */
export function dbPingProbe(database: Database): DoctorProbe {
  return {
    name: 'db_ping',
    timeoutMs: PROBE_TIMEOUT_MS,
    provides: 'database',
    async run(signal) {
      const start = performance.now();
      try {
        const { version } = await database.ping(signal);
        const answer = `PostgreSQL ${version}, answered in ${(performance.now() - start).toFixed(1)} ms`;
        if (Number.parseInt(version, 10) >= MINIMUM_MAJOR_VERSION) return { status: 'ok', message: answer };
        return {
          status: 'warn',
          code: 'database_too_old',
          message: answer,
          remedy: `Upgrade to PostgreSQL ${MINIMUM_MAJOR_VERSION} or newer.`,
        };
      } catch (error) {
        return {
          status: 'fail',
          code: 'database_unavailable',
          message: `The database does not answer: ${reasonOf(error)}`,
          remedy:
            'Check that PostgreSQL runs and that [database] url leads to it; for the embedded one, read the log for reactor_postgres.',
        };
      }
    },
  };
}

/** `migrations`: whether the schema is what this release needs. */
export function migrationsProbe(database: Database, sets: readonly MigrationSet[]): DoctorProbe {
  return {
    name: 'migrations',
    timeoutMs: PROBE_TIMEOUT_MS,
    dependsOn: ['database'],
    async run(signal) {
      const { applied, pending, changed, unknown } = await giveUpOn(signal, migrationStatus(database, sets));
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
  };
}

function giveUpOn<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
