import type { Queryable, QueryOptions } from '@reactor/core';
import type { ClientConfig } from 'pg';
import { DatabaseRequirementError } from '../requirements.js';
import { roundTrip } from './round-trip.js';

const IDENTITY = `SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system())::text || '/' || oid AS identity
  FROM pg_catalog.pg_database WHERE datname = current_database()`;

/** Long enough for a slow network. Milliseconds. */
const TIMEOUT_MS = 5_000;

interface Identified {
  readonly identity: string;
}

/** Of the database that `queryable` leads to, among all databases of all servers. */
export async function identityOf(queryable: Queryable, options?: QueryOptions): Promise<string> {
  const { rows } = await queryable.query<Identified>(IDENTITY, [], options);
  return (rows[0] as Identified).identity;
}

/**
 * Two addresses of the configuration must not lead to two databases: rows would be read from one and written to the other.
 * @param others by key of the configuration; one that does not answer does not keep the server from starting
 * @throws DatabaseRequirementError naming the key
 */
export async function assertOneDatabase(
  system: Queryable,
  others: readonly (readonly [key: string, config: ClientConfig])[],
): Promise<void> {
  if (others.length === 0) return;
  const identity = await identityOf(system);
  for (const [key, config] of others) {
    const other = await roundTrip<Identified>(config, IDENTITY, AbortSignal.timeout(TIMEOUT_MS)).catch(() => undefined);
    if (other === undefined || other.identity === identity) continue;
    throw new DatabaseRequirementError(`${key} leads to another database than database.url`, 'Correct one of them.');
  }
}
