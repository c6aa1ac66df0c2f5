import {
  type Database,
  type DoctorProbe,
  databasePingProbe,
  databaseProbe,
  isLockFailure,
  type ProbeResult,
  type QueryOptions,
  ReactorError,
  reasonOf,
} from '@reactor/core';
import type { AppMigrations } from './app-migrations/app-migrations.js';
import { readMigrationFiles } from './app-migrations/files.js';
import type { AppMigrationStatus } from './app-migrations/status.js';
import { definersProbe } from './grants/definers.js';
import { grantsProbe } from './grants/probe.js';
import { blockedSessionsProbe } from './locks.js';
import { slowPoliciesProbe } from './policies/probe.js';
import { findRoleProblems } from './roles.js';
import { introspect, readSchema } from './schema/introspect.js';
import { isEnforced, type Relation } from './schema/model.js';
import { EXPOSED_SCHEMA, type SchemaCache } from './schema/schema-cache.js';

export interface DataProbesOptions {
  readonly database: Database;
  readonly schema: SchemaCache;
  readonly migrations: AppMigrations;
  readonly migrationsDir?: string | undefined;
  /** Default false. */
  readonly anonymousFunctions?: boolean;
}

/** Long enough for a slow network and a large catalog, short enough for someone who waits at a terminal. */
const TIMEOUT_MS = 5_000;

/** What the doctor asks of data. Works without `start`, so also while the server is down. */
export function dataProbes(options: DataProbesOptions): readonly DoctorProbe[] {
  const { database } = options;
  const probe = (name: string, run: (options: DataProbesOptions, query: QueryOptions) => Promise<ProbeResult>) =>
    databaseProbe({ name, timeoutMs: TIMEOUT_MS, database, run: (signal) => run(options, { signal }) });
  return [
    databasePingProbe(database),
    probe('migrations', migrationsProbe),
    probe('roles', rolesProbe),
    probe('rls', rowSecurityProbe),
    probe('grants', ({ anonymousFunctions = false }, query) => grantsProbe(database, { anonymousFunctions }, query)),
    probe('definer_functions', (_, query) => definersProbe(database, query)),
    probe('slow_policies', (_, query) => slowPoliciesProbe(database, query)),
    probe('schema_cache', schemaCacheProbe),
    blockedSessionsProbe(database),
  ];
}

async function migrationsProbe(
  { migrations, migrationsDir }: DataProbesOptions,
  query: QueryOptions,
): Promise<ProbeResult> {
  let status: AppMigrationStatus;
  try {
    const files = migrationsDir === undefined ? undefined : await readMigrationFiles(migrationsDir);
    status = await migrations.status(files, query);
  } catch (error) {
    if (!(error instanceof ReactorError) || error.code === 'database_unavailable') throw error;
    const { code, message } = error;
    return { status: 'fail', code, message, remedy: 'Correct what it names in data.migrations_dir.' };
  }
  const { applied, pending, changed, unknown, refused, partial } = status;
  if (changed.length > 0) {
    const unapplied = pending.length === 0 ? '' : `; not applied: ${pending.join(', ')}`;
    return {
      status: 'fail',
      code: 'migrations_changed',
      message: `Changed after being applied: ${changed.join(', ')}${unapplied}`,
      remedy: 'Put the files back as they were and write the change as a new migration.',
    };
  }
  if (refused.length > 0) {
    return {
      status: 'fail',
      code: 'migrations_refused',
      message: `Not applied: ${pending.join(', ')}; ${refused.map(({ reason }) => reason).join('; ')}`,
      remedy: 'Correct or remove the files that it names: until then none is applied.',
    };
  }
  if (pending.length > 0) {
    const halves = partial.map(({ name, ran, statements }) => `; of ${name} ${ran} of ${statements} statements ran`);
    return {
      status: 'fail',
      code: 'migrations_pending',
      message: `Not applied: ${pending.join(', ')}${halves.join('')}`,
      remedy: 'Run: reactor db migrate; or restart the server.',
    };
  }
  if (unknown.length > 0) {
    return {
      status: 'warn',
      code: 'migrations_unknown',
      message: `Applied, and no longer in the folder: ${unknown.join(', ')}`,
      remedy: 'Bring the files back: a new database would lack what they made.',
    };
  }
  return { status: 'ok', message: `${applied.length} of the app applied` };
}

async function rolesProbe({ database }: DataProbesOptions, query: QueryOptions): Promise<ProbeResult> {
  const problems = await findRoleProblems(database, query);
  if (problems.length === 0) return { status: 'ok' };
  return {
    status: 'fail',
    code: 'roles_unfit',
    message: problems.map(({ message }) => message).join('; '),
    remedy: `Restart the server, or run in the database, as an administrator: ${problems.map(({ sql }) => sql).join(' ')}`,
  };
}

/** A table may be closed on purpose, so these are no fault; but "why is it empty" is asked often. */
const WITHOUT_POLICY = `
  SELECT oid::regclass::text AS name FROM pg_catalog.pg_class c
  WHERE relnamespace = '${EXPOSED_SCHEMA}'::regnamespace AND relkind IN ('r', 'p') AND relrowsecurity
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_policy WHERE polrelid = c.oid)
  ORDER BY 1`;

async function rowSecurityProbe({ database }: DataProbesOptions, query: QueryOptions): Promise<ProbeResult> {
  const { relations } = await introspect(database, EXPOSED_SCHEMA, query);
  const refused = [...relations.values()].filter((relation) => !isEnforced(relation));
  if (refused.length === 0) {
    const { rows } = await database.query<{ name: string }>(WITHOUT_POLICY, [], query);
    const empty =
      rows.length === 0
        ? ''
        : `; without a policy, so that nobody sees rows: ${rows.map(({ name }) => name).join(', ')}`;
    return { status: 'ok', message: `on for all of ${relations.size} tables and views${empty}` };
  }
  return {
    status: 'warn',
    code: 'row_security_off',
    message: `Refused to all but the operator: ${refused.map(({ name, kind }) => `${kind} ${name}`).join(', ')}`,
    remedy: [...new Set(refused.map(remedyFor))].join(' '),
  };
}

function remedyFor({ kind, securityInvoker }: Relation): string {
  if (kind === 'materialized view' || kind === 'foreign table') {
    return `A ${kind} cannot have policies: move it to another schema and read it through a function.`;
  }
  if (kind !== 'view') {
    return 'For a table: ALTER TABLE … ENABLE ROW LEVEL SECURITY and CREATE POLICY, or move it to another schema.';
  }
  return securityInvoker
    ? 'For a view: switch row-level security on for every table that it reads.'
    : 'For a view: ALTER VIEW … SET (security_invoker = true).';
}

async function schemaCacheProbe({ database, schema }: DataProbesOptions, query: QueryOptions): Promise<ProbeResult> {
  const cached = schema.peek();
  const now = await readSchema(database, EXPOSED_SCHEMA, query).catch((error) => {
    // Not read in time, either: then why the last reading failed says more than that.
    const known = query.signal?.aborted ? schema.failure() : undefined;
    if (known !== undefined) return known;
    if (error instanceof ReactorError || query.signal?.aborted || isLockFailure(error)) throw error;
    return reasonOf(error);
  });
  const age = `read ${Math.round((schema.ageMs() ?? 0) / 1000)} s ago`;
  const failure = typeof now === 'string' ? now : schema.failure();
  if (failure !== undefined) {
    const inForce = cached === undefined ? 'no table is served' : `the one ${age} stays in force`;
    return {
      status: 'fail',
      code: 'schema_unreadable',
      message: `The schema cannot be read, so ${inForce}: ${failure}`,
      remedy: 'Remove the cause in the database, then call POST /data/v1/_admin/reload.',
    };
  }
  if (cached === undefined) return { status: 'ok', message: 'not read yet' };
  if (typeof now === 'object' && now.fingerprint === cached.exposed) {
    return { status: 'ok', message: `as the database has it, ${age}` };
  }
  // What fails is counted and logged, and tried again.
  schema.reload().catch(() => {});
  return {
    status: 'warn',
    code: 'schema_cache_stale',
    message: 'The schema has changed since it was read, and no notification came. It is being read again.',
    remedy: "Run NOTIFY reactor_events, 'data.schema' in the database after DDL, or call POST /data/v1/_admin/reload.",
  };
}
