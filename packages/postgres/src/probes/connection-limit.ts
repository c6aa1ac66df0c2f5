import type { ProbeResult, QueryOptions } from '@reactor/core';
import type { ProbedDatabase } from './probed.js';

/** Beside the pools: one that LISTENs, and one that pings for each of them. */
const EXTRA_CONNECTIONS = 3;

interface Limit {
  /** Connections that the server lets this kind of login have. */
  readonly available: number;
  /** Those of others, now. */
  readonly others: number;
}

const LIMIT = `
  SELECT current_setting('max_connections')::int
      - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true)::int, 0) AS available,
    (SELECT count(*)::int FROM pg_catalog.pg_stat_activity
      WHERE backend_type = 'client backend' AND application_name IS DISTINCT FROM current_setting('application_name')) AS others`;

/** `connection_limit`: whether the server has room for all connections that this one may open. */
export async function probeConnectionLimit(
  { system, pooler, poolMax }: ProbedDatabase,
  query: QueryOptions,
): Promise<ProbeResult> {
  const { rows } = await system.query<Limit>(LIMIT, [], query);
  const { available, others } = rows[0] as Limit;
  const most = poolMax + EXTRA_CONNECTIONS;
  // A pooler has far fewer of them than its clients.
  if (pooler.evidence !== undefined) return { status: 'ok', message: `up to ${most}, to a pooler` };
  if (most + others <= available)
    return { status: 'ok', message: `up to ${most} of ${available}; others have ${others}` };
  return {
    status: 'warn',
    code: 'connections_scarce',
    message: `This server may open ${most} connections and others have ${others}, but PostgreSQL has room for ${available}.`,
    remedy: `Lower database.pool_max (now ${poolMax}), raise max_connections of PostgreSQL, or put a pooler in between.`,
  };
}
