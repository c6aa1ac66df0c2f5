import type { DoctorProbe, HealthCheck } from './capability.js';
import { reasonOf } from './errors.js';
import type { Database } from './ports/database.js';

/** Health of what needs the database and nothing else: one round trip. */
export function databaseHealth(database: Pick<Database, 'ping'>): HealthCheck {
  return {
    timeoutMs: 500,
    async check(signal) {
      try {
        await database.ping(signal);
        return { status: 'ok' };
      } catch {
        // Its message may name hosts; the probe db_ping tells the operator more.
        return { status: 'error', reason: 'the database does not answer' };
      }
    },
  };
}

/** `db_ping`: the same for the operator. Vouches for the resource `database`. */
export function databasePingProbe(database: Pick<Database, 'ping'>): DoctorProbe {
  return {
    name: 'db_ping',
    // Long enough for a slow network, short enough for someone who waits at a terminal.
    timeoutMs: 2_000,
    provides: 'database',
    async run(signal) {
      try {
        const { version } = await database.ping(signal);
        return { status: 'ok', message: `PostgreSQL ${version}` };
      } catch (error) {
        return {
          status: 'fail',
          code: 'database_unavailable',
          message: `The database does not answer: ${reasonOf(error)}`,
          remedy:
            'Start the database, or correct [database] url; the server log has the reason, and the server reconnects by itself.',
        };
      }
    },
  };
}
