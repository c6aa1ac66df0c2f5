import type { Difference } from './difference.js';
import { type GrantObject, type ObjectClass, type Privilege, splitPrivilege } from './object.js';

const KEYWORD: Readonly<Record<ObjectClass, string>> = { relation: 'TABLE', sequence: 'SEQUENCE', routine: 'ROUTINE' };

/** Objects of one statement, so that thousands of tables do not make a statement of a megabyte. */
const MAX_OBJECTS = 200;

/**
 * Whether a table has to be locked before it is granted on. PostgreSQL before 18 takes no lock to grant, and then DDL of
 * another session that meets the GRANT fails with "tuple concurrently updated". A view would be locked with all that it
 * reads, which the login may not be allowed to.
 */
export function needsLock({ object, give, take }: Difference): boolean {
  return object.lockable && give.length + take.length > 0;
}

/** Locks on the tables of `differences`, each of which `needsLock`. */
export function lockStatements(differences: readonly Difference[]): readonly string[] {
  return chunks(differences, MAX_OBJECTS).map(
    (some) => `LOCK TABLE ${some.map(({ object }) => `ONLY ${object.target}`).join(', ')} IN ACCESS SHARE MODE`,
  );
}

/** The GRANTs and REVOKEs of `differences`: objects that get the same are in one statement. */
export function grantStatements(differences: readonly Difference[]): readonly string[] {
  const groups = new Map<string, GrantObject[]>();
  const add = (object: GrantObject, privileges: readonly Privilege[], verb: 'GRANT' | 'REVOKE') => {
    for (const [role, list] of byRole(privileges)) {
      const grantee = role === '' ? 'PUBLIC' : quoteIdentifier(role);
      const key = `${verb} ${list.join(', ')} ON ${KEYWORD[object.class]} % ${verb === 'GRANT' ? 'TO' : 'FROM'} ${grantee}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [object]);
      else group.push(object);
    }
  };
  // REVOKEs come first.
  for (const { object, take } of differences) add(object, take, 'REVOKE');
  for (const { object, give } of differences) add(object, give, 'GRANT');
  return [...groups].flatMap(([key, objects]) =>
    chunks(objects, MAX_OBJECTS).map((some) => key.replace('%', () => some.map(({ target }) => target).join(', '))),
  );
}

function byRole(privileges: readonly Privilege[]): ReadonlyMap<string, readonly string[]> {
  const roles = new Map<string, string[]>();
  for (const [role, privilege] of privileges.map(splitPrivilege)) {
    roles.set(role, [...(roles.get(role) ?? []), privilege]);
  }
  return roles;
}

function chunks<T>(list: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
