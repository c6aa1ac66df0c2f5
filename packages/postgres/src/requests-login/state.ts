import { POLICY_SCHEMA, type Queryable, type QueryOptions, REQUEST_ROLES } from '@reactor/core';
import { escapeIdentifier } from 'pg';

/** A login for requests as the server has it. */
export interface LoginState {
  readonly present: boolean;
  /** Attributes by which it could do more than become one of the request roles: `SUPERUSER`. */
  readonly excess: readonly string[];
  readonly member_of: readonly string[];
  readonly may_connect: boolean;
  /** Whether it reaches the function that ends a request, which is called under it after a failed one. */
  readonly may_clean_up: boolean;
  /** Number of objects in this database that belong to it. */
  readonly owned: number;
  /** Settings that its connections begin with (`ALTER ROLE … SET`). Every login may give itself some. */
  readonly settings: number;
  /** The request roles that exist: data makes them, and says so when one is gone. */
  readonly roles: readonly string[];
  readonly database: string;
}

const STATE = `
  SELECT r.oid IS NOT NULL AS present,
    array_remove(ARRAY[
      CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
      CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
      CASE WHEN r.rolreplication THEN 'REPLICATION' END, CASE WHEN r.rolinherit THEN 'INHERIT' END], NULL) AS excess,
    ARRAY(SELECT DISTINCT g.rolname::text FROM pg_catalog.pg_auth_members m
      JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1) AS member_of,
    coalesce(has_database_privilege(r.oid, current_database(), 'CONNECT'), false) AS may_connect,
    to_regnamespace($2) IS NULL OR coalesce(has_schema_privilege(r.oid, to_regnamespace($2)::oid, 'USAGE'), false) AS may_clean_up,
    (SELECT count(*)::int FROM pg_catalog.pg_shdepend d
      WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid AND d.deptype = 'o'
        AND d.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) AS owned,
    (SELECT count(*)::int FROM pg_catalog.pg_db_role_setting WHERE setrole = r.oid) AS settings,
    ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY ($3) ORDER BY 1) AS roles,
    current_database()::text AS database
  FROM (VALUES ($1::text)) AS wanted (name) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = wanted.name`;

export async function readLoginState(database: Queryable, name: string, options?: QueryOptions): Promise<LoginState> {
  const { rows } = await database.query<LoginState>(STATE, [name, POLICY_SCHEMA, REQUEST_ROLES], options);
  return rows[0] as LoginState;
}

/** Statements that let the login become the request roles. */
export function additions(name: string, state: LoginState): readonly string[] {
  const login = escapeIdentifier(name);
  const missing = missingRoles(state);
  return [
    ...(missing.length === 0 ? [] : [`GRANT ${missing.join(', ')} TO ${login}`]),
    ...(state.may_connect ? [] : [`GRANT CONNECT ON DATABASE ${escapeIdentifier(state.database)} TO ${login}`]),
    ...(state.may_clean_up ? [] : [`GRANT USAGE ON SCHEMA ${POLICY_SCHEMA} TO ${login}`]),
  ];
}

/** Statements that leave it nothing else. For a login of our own only: another may have other uses. */
export function restrictions(name: string, state: LoginState): readonly string[] {
  const login = escapeIdentifier(name);
  const extra = state.member_of.filter((role) => !(REQUEST_ROLES as readonly string[]).includes(role));
  return [
    ...(state.excess.length === 0 ? [] : [`ALTER ROLE ${login} ${state.excess.map((word) => `NO${word}`).join(' ')}`]),
    ...(extra.length === 0 ? [] : [`REVOKE ${extra.map(escapeIdentifier).join(', ')} FROM ${login}`]),
    ...(state.settings === 0
      ? []
      : [
          `ALTER ROLE ${login} RESET ALL`,
          `ALTER ROLE ${login} IN DATABASE ${escapeIdentifier(state.database)} RESET ALL`,
        ]),
  ];
}

/** Request roles that it may not become. */
export function missingRoles({ member_of: memberOf, roles }: LoginState): readonly string[] {
  return roles.filter((role) => !memberOf.includes(role));
}
