import type { Queryable } from '@reactor/core';

/** The oldest PostgreSQL whose SQL we use: `security_invoker` views and `NULLS NOT DISTINCT` came with it. */
export const MINIMUM_MAJOR_VERSION = 15;

/** This PostgreSQL, or this login, cannot carry Reactor. The message says what an administrator must do. */
export class DatabaseRequirementError extends Error {
  override readonly name = 'DatabaseRequirementError';
  /** Statements for an administrator to run, one a line; empty where SQL does not help. */
  readonly sql: readonly string[];

  constructor(problem: string, remedy: string, sql: readonly string[] = []) {
    super([`${problem}. ${remedy}`, ...sql].join('\n'));
    this.sql = sql;
  }
}

interface Login {
  readonly version: string;
  readonly version_num: number;
  readonly is_superuser: boolean;
  /** Whether each of the roles exists and the login may become it, or the login may make what is missing. */
  readonly has_roles: boolean;
  readonly can_create_schemas: boolean;
  readonly can_create_tables: boolean;
  readonly make_roles: readonly string[];
  readonly grant_schemas: string;
  readonly grant_tables: string;
}

/** Names are quoted by PostgreSQL itself, so that the statements can be run as they are. */
const LOGIN = `
  WITH wanted AS (
    SELECT role, place, r.oid IS NOT NULL AS present, coalesce(pg_has_role(r.oid, 'MEMBER'), false) AS mine
    FROM unnest($1::text[]) WITH ORDINALITY AS w (role, place) LEFT JOIN pg_roles r ON r.rolname = w.role
  )
  SELECT current_setting('server_version') AS version,
         current_setting('server_version_num')::int AS version_num,
         rolsuper AS is_superuser,
         rolcreaterole OR NOT EXISTS (SELECT FROM wanted WHERE NOT present OR NOT mine) AS has_roles,
         has_database_privilege(current_database(), 'CREATE') AS can_create_schemas,
         coalesce(has_schema_privilege(to_regnamespace('public')::oid, 'CREATE')
                  AND has_schema_privilege(to_regnamespace('public')::oid, 'USAGE'), false) AS can_create_tables,
         ARRAY(SELECT format('CREATE ROLE %I NOLOGIN NOINHERIT;', role) FROM wanted WHERE NOT present ORDER BY place)
           || ARRAY(SELECT format('GRANT %I TO %I;', role, rolname) FROM wanted WHERE NOT mine ORDER BY place) AS make_roles,
         format('GRANT CREATE ON DATABASE %I TO %I;', current_database(), rolname) AS grant_schemas,
         CASE WHEN to_regnamespace('public') IS NULL
              THEN format('CREATE SCHEMA public AUTHORIZATION %I;', rolname)
              ELSE format('GRANT USAGE, CREATE ON SCHEMA public TO %I;', rolname)
         END AS grant_tables
  FROM pg_roles
  WHERE rolname = current_user`;

/**
 * Checks that the server is new enough and that the login may create schemas, tables in `public`, and those of `roles`
 * that are missing. Being superuser is not needed.
 * @throws DatabaseRequirementError with the statements an administrator must run
 */
export async function checkPrivileges(database: Queryable, roles: readonly string[] = []): Promise<void> {
  const { rows } = await database.query<Login>(LOGIN, [roles]);
  const login = rows[0];
  if (login === undefined) throw new Error('the current role is not in pg_roles');
  if (Math.floor(login.version_num / 10_000) < MINIMUM_MAJOR_VERSION) {
    throw new DatabaseRequirementError(
      `PostgreSQL ${login.version} is too old`,
      `Use PostgreSQL ${MINIMUM_MAJOR_VERSION} or newer.`,
    );
  }
  if (login.is_superuser) return;
  const missing = [
    ...(login.has_roles ? [] : login.make_roles),
    ...(login.can_create_schemas ? [] : [login.grant_schemas]),
    ...(login.can_create_tables ? [] : [login.grant_tables]),
  ];
  if (missing.length === 0) return;
  throw new DatabaseRequirementError(
    'The database login lacks privileges',
    'As an administrator of the database, run in it:',
    missing,
  );
}
