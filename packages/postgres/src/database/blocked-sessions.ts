import { withTimeout } from '@reactor/core';
import type { ClientConfig } from 'pg';
import { roundTrip } from './round-trip.js';

/** As long as a scrape waits for `reactor_db_up`. */
const TIMEOUT_MS = 500;

const COUNT = `SELECT count(DISTINCT l.pid)::int AS count FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database() WHERE NOT l.granted`;

/** Sessions of the database that wait for a lock. Not through the pool, all of which may be waiting. */
export async function countBlockedSessions(config: ClientConfig, signal: AbortSignal): Promise<number> {
  const { count } = await withTimeout(
    TIMEOUT_MS,
    (limited) => roundTrip<{ readonly count: number }>(config, COUNT, limited),
    signal,
  );
  return count;
}
