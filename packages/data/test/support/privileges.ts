import type { Database, Queryable } from '@reactor/core';
import { silentLogger } from '@reactor/core';
import { Grants } from '../../src/grants/grants.js';

/** `Grants` on `database`, which log nothing. */
export function grantsOn(database: Database, anonymousFunctions = false): Grants {
  return new Grants({ database, logger: silentLogger, anonymousFunctions });
}

/** Letters of PostgreSQL's own lists: r SELECT, a INSERT, w UPDATE, d DELETE, U USAGE, X EXECUTE; columns as `r(id)`. */
const PRIVILEGES = `
  SELECT o.name, coalesce(string_agg(o.role || '=' || o.letters, ' ' ORDER BY o.role), '') AS list FROM (
    SELECT name, role, string_agg(letter, '' ORDER BY position(left(letter, 1) in 'rawdUX'), letter) AS letters FROM (
      SELECT c.relname::text AS name, coalesce(r.rolname::text, 'PUBLIC') AS role, CASE x.privilege_type
        WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w' WHEN 'DELETE' THEN 'd' WHEN 'USAGE' THEN 'U'
        ELSE '?' END AS letter
      FROM pg_class c, aclexplode(c.relacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
      WHERE c.relnamespace = 'public'::regnamespace AND x.grantee <> c.relowner
      UNION ALL
      SELECT c.relname, coalesce(r.rolname, 'PUBLIC'), CASE x.privilege_type WHEN 'SELECT' THEN 'r' ELSE '?' END
        || '(' || a.attname || ')'
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee
      WHERE c.relnamespace = 'public'::regnamespace
      UNION ALL
      SELECT DISTINCT p.proname, coalesce(r.rolname, 'PUBLIC'), 'X'
      FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x LEFT JOIN pg_roles r ON r.oid = x.grantee
      WHERE p.pronamespace = 'public'::regnamespace AND x.grantee <> p.proowner
    ) entries GROUP BY name, role
  ) o GROUP BY name ORDER BY name`;

/** Privileges of everybody but the owner, by object: `anon=r authenticated=rawd`. Objects without any are left out. */
export async function privilegesOf(database: Queryable): Promise<Readonly<Record<string, string>>> {
  const { rows } = await database.query<{ name: string; list: string }>(PRIVILEGES);
  return Object.fromEntries(rows.map(({ name, list }) => [name, list.replaceAll('reactor_', '')]));
}

/** What a table whose row-level security is on has. */
export const OPEN = 'anon=r authenticated=rawd';
