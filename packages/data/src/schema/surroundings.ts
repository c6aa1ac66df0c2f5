import type { Database } from '@reactor/core';
import { CALLER_FUNCTIONS } from '../auth-functions.js';

/** What a reading of the schema asks of the rest of the database. */
export interface Surroundings {
  /** Whether DDL is announced. Only a superuser may make the event trigger, and anybody who may can disable it. */
  readonly isAnnounced: boolean;
  /** Whether no function of the app can run in a read of a table or view. Those of triggers cannot. */
  readonly isQuiet: boolean;
}

/** Functions of the schema `auth` that are ours. */
const OWN = [...CALLER_FUNCTIONS, 'end_request', 'bounded'];

const SURROUNDINGS = `
  SELECT EXISTS (SELECT FROM pg_catalog.pg_event_trigger
      WHERE evtname = 'reactor_data_schema_change' AND evtenabled IN ('O', 'A')) AS "isAnnounced",
    NOT EXISTS (SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'reactor\\_%'
        AND NOT (n.nspname = 'auth' AND p.proname = ANY ($1))
        AND p.prorettype NOT IN ('pg_catalog.trigger'::regtype, 'pg_catalog.event_trigger'::regtype)
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
          WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')) AS "isQuiet"`;

export async function readSurroundings(database: Database): Promise<Surroundings> {
  const { rows } = await database.query<Surroundings>(SURROUNDINGS, [OWN]);
  return rows[0] as Surroundings;
}
