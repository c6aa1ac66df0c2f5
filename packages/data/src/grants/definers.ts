import { ANONYMOUS_ROLE, type Database, type ProbeResult, type QueryOptions, USER_ROLE } from '@reactor/core';
import { readRoutinesAndSequences } from './reconcile.js';

/** Functions with the rights of their owner, and whether PUBLIC may call them. */
const DEFINERS = `
  SELECT p.oid::text, p.oid::regprocedure::text AS signature, EXISTS (
    SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner)))
    WHERE grantee = 0 AND privilege_type = 'EXECUTE'
  ) AS "isPublic"
  FROM pg_catalog.pg_proc p
  WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND p.prokind = 'f'
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    )
  ORDER BY 2`;

interface Definer {
  readonly oid: string;
  readonly signature: string;
  readonly isPublic: boolean;
}

/** What the doctor says of functions that act past every policy, and whose callers nobody has chosen. */
export async function definersProbe(database: Database, options?: QueryOptions): Promise<ProbeResult> {
  const { rows } = await database.query<Definer>(DEFINERS, [], options);
  if (rows.length === 0) return { status: 'ok' };
  const byDefault = await readGivenByDefault(database, options);
  const isOpenTo = (role: string) => (definer: Definer) => byDefault.get(definer.oid)?.includes(`${role}=EXECUTE`);
  const toAnybody = rows.filter((definer) => definer.isPublic || isOpenTo(ANONYMOUS_ROLE)(definer));
  const toUsers = rows.filter((definer) => !toAnybody.includes(definer) && isOpenTo(USER_ROLE)(definer));
  if (toAnybody.length + toUsers.length === 0) return { status: 'ok' };
  const findings = [
    ['anybody may call without signing in', toAnybody],
    ['anybody who is signed in may call by default', toUsers],
  ] as const;
  return {
    status: 'warn',
    code: toAnybody.length > 0 ? 'definer_functions_open' : 'definer_functions_by_default',
    message: findings
      .filter(([, definers]) => definers.length > 0)
      .map(
        ([who, definers]) =>
          `SECURITY DEFINER functions that ${who}: ${definers.map(({ signature }) => signature).join(', ')}`,
      )
      .join('; '),
    remedy:
      'Say who may, in a migration: REVOKE EXECUTE ON FUNCTION … FROM PUBLIC; ' +
      `and for those who may: GRANT EXECUTE ON FUNCTION … TO ${USER_ROLE}, or to ${ANONYMOUS_ROLE} as well.`,
  };
}

/** Who may call a function only because we granted it, by oid; not because a policy, view or default names it. */
async function readGivenByDefault(database: Database, options?: QueryOptions) {
  const objects = await database.transaction(async (transaction) => {
    await transaction.query("SELECT set_config('search_path', '', true)", [], options);
    return readRoutinesAndSequences({ query: (text, values) => transaction.query(text, values, options) });
  });
  const routines = objects.filter(({ class: objectClass }) => objectClass === 'routine');
  return new Map(
    routines.map(({ oid, actual, needed, record }) => [
      oid,
      actual.filter((one) => !needed.includes(one) && record?.given.includes(one) === true),
    ]),
  );
}
