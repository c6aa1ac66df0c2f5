import { type Queryable, type QueryOptions, REQUEST_ROLES } from '@reactor/core';
import { dataErrors } from './errors.js';

interface RoleState {
  readonly role: string;
  readonly present: boolean;
  /** Superuser or BYPASSRLS: policies would mean nothing. */
  readonly unrestricted: boolean;
  /** Roles whose rights it inherits, a table's owner perhaps, whom policies do not bind. */
  readonly member_of: readonly string[];
  readonly may_become: boolean;
  /** Whether it gets into the schemas of the app and of the functions that policies ask. */
  readonly may_look: boolean;
  /** Of the functions that each request calls: those that are gone, and those that the role may not call. */
  readonly lost: readonly string[];
  readonly closed: readonly string[];
  /** As a literal and as an identifier. */
  readonly login: string;
  readonly login_name: string;
}

/** `SET` came with 16; before, every member could become the role. */
const STATE = `
  WITH called AS (
    SELECT p.oid, p.proname::text FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = 'auth' AND p.proname = ANY ($2)
  )
  SELECT wanted.role, r.oid IS NOT NULL AS present, coalesce(r.rolsuper OR r.rolbypassrls, false) AS unrestricted,
    ARRAY(SELECT g.rolname::text FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
      WHERE m.member = r.oid ORDER BY 1) AS member_of,
    CASE WHEN r.oid IS NULL THEN false
      WHEN current_setting('server_version_num')::int >= 160000 THEN pg_has_role(r.oid, 'SET')
      ELSE pg_has_role(r.oid, 'MEMBER') END AS may_become,
    coalesce(has_schema_privilege(r.oid, to_regnamespace('auth'), 'USAGE')
      AND has_schema_privilege(r.oid, to_regnamespace('public'), 'USAGE'), false) AS may_look,
    ARRAY(SELECT format('auth.%I', f.name) FROM unnest($2::text[]) AS f (name)
      WHERE NOT EXISTS (SELECT FROM called WHERE proname = f.name) ORDER BY 1) AS lost,
    ARRAY(SELECT format('auth.%I(%s)', proname, pg_catalog.pg_get_function_identity_arguments(oid)) FROM called
      WHERE NOT has_function_privilege(r.oid, oid, 'EXECUTE') ORDER BY 1) AS closed,
    quote_literal(current_user) AS login, quote_ident(current_user) AS login_name
  FROM unnest($1::text[]) AS wanted (role) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = wanted.role`;

/** What each request calls, and nearly every policy. */
const FUNCTIONS = ['jwt', 'user_id', 'bounded', 'end_request'];

/** What keeps requests from running as they must. */
export interface RoleProblem {
  readonly message: string;
  /** A statement that repairs it. */
  readonly sql: string;
  /** Something is missing, as on a new server; else the role was changed, and the operator should know. */
  readonly missing: boolean;
}

/**
 * Checks that both roles exist with what they need, are bound by policies, and that the login may become them. Empty when
 * all is well.
 */
export async function findRoleProblems(database: Queryable, options?: QueryOptions): Promise<readonly RoleProblem[]> {
  const { rows } = await database.query<RoleState>(STATE, [REQUEST_ROLES, FUNCTIONS], options);
  // What is missing is missing for both.
  return [...new Map(rows.flatMap(problemsOf).map((problem) => [problem.message, problem])).values()];
}

function problemsOf(state: RoleState): readonly RoleProblem[] {
  const { role, present, unrestricted, member_of: memberOf, may_become: mayBecome, may_look: mayLook, login } = state;
  const prepare = `CALL reactor_data.prepare_role('${role}', ${login});`;
  if (!present) return [{ message: `the role ${role} does not exist`, sql: prepare, missing: true }];
  const problems: RoleProblem[] = [];
  if (unrestricted) {
    problems.push({
      message: `the role ${role} is not bound by row-level security`,
      sql: `ALTER ROLE ${role} NOSUPERUSER NOBYPASSRLS;`,
      missing: false,
    });
  }
  if (memberOf.length > 0) {
    problems.push({
      message: `the role ${role} has the rights of ${memberOf.join(', ')}`,
      sql: `REVOKE ${memberOf.map((name) => `"${name.replaceAll('"', '""')}"`).join(', ')} FROM ${role};`,
      missing: false,
    });
  }
  if (!mayBecome) {
    problems.push({
      message: `the login may not become the role ${role}`,
      sql: `GRANT ${role} TO ${state.login_name};`,
      missing: true,
    });
  }
  if (!mayLook) {
    problems.push({
      message: `the role ${role} may not use the schemas public and auth`,
      sql: prepare,
      missing: true,
    });
  }
  if (state.lost.length > 0) {
    problems.push({
      message: `${state.lost.join(', ')} are missing; requests call them`,
      sql: '-- restore the schema auth from a backup: it is part of Reactor',
      missing: false,
    });
  }
  if (state.closed.length > 0) {
    problems.push({
      message: `the role ${role} may not call ${state.closed.join(', ')}`,
      sql: `GRANT EXECUTE ON FUNCTION ${state.closed.join(', ')} TO ${role};`,
      missing: true,
    });
  }
  return problems;
}

/**
 * Gives the roles what they lack, as after restoring a backup on another server, which has none.
 * @returns what was lacking
 * @throws ReactorError `roles_unfit` (503) with statements for an administrator, when the login may not repair it
 */
export async function ensureRoles(database: Queryable): Promise<readonly RoleProblem[]> {
  const problems = await findRoleProblems(database);
  if (problems.some(({ missing }) => !missing)) throw unfit(problems);
  try {
    for (const { sql } of problems) await database.query(sql);
  } catch (error) {
    throw unfit(problems, error);
  }
  const left = problems.length === 0 ? [] : await findRoleProblems(database);
  if (left.length > 0) throw unfit(left);
  return problems;
}

function unfit(problems: readonly RoleProblem[], cause?: unknown) {
  return dataErrors.create.roles_unfit(
    [
      `Requests cannot run as they must: ${problems.map(({ message }) => message).join('; ')}. ` +
        'As an administrator of the database, run:',
      ...problems.map(({ sql }) => sql),
    ].join('\n'),
    { cause },
  );
}
