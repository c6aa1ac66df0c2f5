import type { Queryable } from '@reactor/core';

/** Requests without a token run under it. */
export const ANONYMOUS_ROLE = 'reactor_anon';
/** Requests of signed-in users run under it. */
export const USER_ROLE = 'reactor_authenticated';

interface RoleState {
  readonly role: string;
  readonly present: boolean;
  /** Superuser or BYPASSRLS: policies would mean nothing. */
  readonly unrestricted: boolean;
  /** Roles whose rights it inherits, a table's owner perhaps, whom policies do not bind. */
  readonly member_of: readonly string[];
  readonly may_become: boolean;
  readonly login: string;
}

/** `SET` came with 16; before, every member could become the role. */
const STATE = `
  SELECT wanted.role, r.oid IS NOT NULL AS present, coalesce(r.rolsuper OR r.rolbypassrls, false) AS unrestricted,
    ARRAY(SELECT g.rolname::text FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid
      WHERE m.member = r.oid ORDER BY 1) AS member_of,
    CASE WHEN r.oid IS NULL THEN false
      WHEN current_setting('server_version_num')::int >= 160000 THEN pg_has_role(r.oid, 'SET')
      ELSE pg_has_role(r.oid, 'MEMBER') END AS may_become,
    quote_ident(current_user) AS login
  FROM unnest($1::text[]) AS wanted (role) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = wanted.role`;

/** What keeps requests from running as they must. */
export interface RoleProblem {
  readonly message: string;
  /** A statement for an administrator to run. */
  readonly sql: string;
}

/** Checks that both roles exist, are bound by policies, and that the login may become them. Empty when all is well. */
export async function findRoleProblems(database: Queryable): Promise<readonly RoleProblem[]> {
  const { rows } = await database.query<RoleState>(STATE, [[ANONYMOUS_ROLE, USER_ROLE]]);
  return rows.flatMap(({ role, present, unrestricted, member_of: memberOf, may_become: mayBecome, login }) => {
    if (!present) {
      return [
        {
          message: `the role ${role} does not exist, as after restoring a backup onto another server`,
          sql: `CREATE ROLE ${role} NOLOGIN NOINHERIT; GRANT ${role} TO ${login};`,
        },
      ];
    }
    const problems: RoleProblem[] = [];
    if (unrestricted) {
      problems.push({
        message: `the role ${role} is not bound by row-level security`,
        sql: `ALTER ROLE ${role} NOSUPERUSER NOBYPASSRLS;`,
      });
    }
    if (memberOf.length > 0) {
      problems.push({
        message: `the role ${role} has the rights of ${memberOf.join(', ')}`,
        sql: `REVOKE ${memberOf.map((name) => `"${name.replaceAll('"', '""')}"`).join(', ')} FROM ${role};`,
      });
    }
    if (!mayBecome) {
      problems.push({ message: `the login may not become the role ${role}`, sql: `GRANT ${role} TO ${login};` });
    }
    return problems;
  });
}

/** @throws Error naming what is wrong with the roles, with statements for an administrator to run */
export async function assertRoles(database: Queryable): Promise<void> {
  const problems = await findRoleProblems(database);
  if (problems.length === 0) return;
  const messages = problems.map(({ message }) => message).join('; ');
  throw new Error(
    [
      `Requests cannot run as they must: ${messages}. An administrator of the database has to run:`,
      ...problems.map(({ sql }) => sql),
    ].join('\n'),
  );
}
