import type { Database, ProbeResult, QueryOptions } from '@reactor/core';
import { callingOnce } from './calls-per-row.js';

/** Findings that the message lists. */
const MAX_NAMES = 5;

/** Of all tables that may be the app's, also where views of the exposed schema read them. */
const POLICIES = `
  SELECT format('%I', p.polname) AS policy, p.polrelid::regclass::text AS table, pg_get_expr(p.polqual, p.polrelid) AS condition
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE p.polqual IS NOT NULL AND n.nspname NOT LIKE 'reactor\\_%' AND EXISTS (
    SELECT FROM pg_depend d JOIN pg_proc f ON d.refclassid = 'pg_proc'::regclass AND f.oid = d.refobjid
    WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND f.pronamespace = 'auth'::regnamespace)
  ORDER BY 2, 1`;

interface Policy {
  /** Quoted where it must be, as is `table`. */
  readonly policy: string;
  readonly table: string;
  readonly condition: string;
}

/** What the doctor says of policies that call what is the same for all rows once for each of them. */
export async function slowPoliciesProbe(database: Database, options?: QueryOptions): Promise<ProbeResult> {
  const { rows } = await database.query<Policy>(POLICIES, [], options);
  const slow = rows
    .map((row) => ({ ...row, fixed: callingOnce(row.condition) }))
    .filter(({ condition, fixed }) => fixed !== condition);
  if (slow.length === 0) return { status: 'ok' };
  const more = slow.length > MAX_NAMES ? ` and ${slow.length - MAX_NAMES} more` : '';
  const listed = slow.slice(0, MAX_NAMES);
  return {
    status: 'warn',
    code: 'policies_slow',
    message: `Policies that ask for the caller again for each row, which makes a large table many times slower: ${listed
      .map(({ policy, table }) => `${policy} on ${table}`)
      .join(', ')}${more}`,
    remedy: `In a migration: ${listed.map(({ policy, table, fixed }) => `ALTER POLICY ${policy} ON ${table} USING (${fixed});`).join(' ')}`,
  };
}
