import { coreErrors, type Queryable, USER_ROLE } from '@reactor/core';
import { type GrantRules, wantedFor } from './difference.js';
import { type GrantObject, type GrantRecord, type Privilege, splitPrivilege } from './object.js';
import { readRelations, readRoutinesAndSequences, reconcile, writeRecords } from './reconcile.js';

/** What is no longer withheld, and what callers may do with it now. */
export interface Open {
  readonly name: string;
  readonly kind: string;
  readonly privileges: readonly Privilege[];
}

/** What `expose` did. */
export interface Exposed {
  readonly exposed: readonly Open[];
  /** What was not withheld before. */
  readonly already: readonly Open[];
  readonly skipped: readonly { readonly name: string; readonly kind: string; readonly reason: string }[];
}

/**
 * Opens what is withheld because it was there before Reactor: tables and views where policies hold, and functions.
 * Within `withGrantLock`.
 * @param names undefined for everything that is withheld; a function may be named with its argument types or without
 * @throws ReactorError `invalid_request` (400) naming what is not there; nothing is exposed then
 */
export async function expose(
  transaction: Queryable,
  names: readonly string[] | undefined,
  rules: GrantRules,
): Promise<Exposed> {
  const chosen = choose(await readObjects(transaction), names);
  const skipped = chosen.flatMap((object) => {
    const reason = reasonAgainst(object);
    return reason === undefined ? [] : [{ name: object.name, kind: object.kind, reason }];
  });
  const fit = chosen.filter((object) => reasonAgainst(object) === undefined);
  const withheld = fit.filter(({ record }) => record?.withheld === true);
  await writeRecords(
    transaction,
    withheld.map((object) => opened(object, rules)),
  );
  await reconcile(transaction, rules);
  const now = new Map((await readObjects(transaction)).map((object) => [object.target, object]));
  const open = ({ name, kind, target }: GrantObject) => {
    const { actual = [], held = [] } = now.get(target) ?? {};
    return { name, kind, privileges: [...new Set([...actual, ...held])] };
  };
  return {
    exposed: withheld.map(open),
    already: names === undefined ? [] : fit.filter((object) => !withheld.includes(object)).map(open),
    skipped,
  };
}

async function readObjects(transaction: Queryable): Promise<readonly GrantObject[]> {
  const objects = [...(await readRelations(transaction)), ...(await readRoutinesAndSequences(transaction))];
  // Nobody calls a trigger function, and sequences follow the tables that use them.
  return objects.filter(({ kind }) => kind !== 'trigger function' && kind !== 'sequence');
}

function choose(objects: readonly GrantObject[], names: readonly string[] | undefined): readonly GrantObject[] {
  if (names === undefined) return objects.filter(({ record }) => record?.withheld === true);
  const isNamed = (name: string) => (object: GrantObject) =>
    object.name === name || (object.class === 'routine' && object.name.startsWith(`${name}(`));
  const missing = names.filter((name) => !objects.some(isNamed(name)));
  if (missing.length > 0) {
    throw coreErrors.create.invalid_request(
      `There is no table, view or function of the schema public called ${missing.map((name) => JSON.stringify(name)).join(', ')}.`,
    );
  }
  return objects.filter((object) => names.some((name) => isNamed(name)(object)));
}

function reasonAgainst({ grantable, kind, protected: isProtected, target, record }: GrantObject): string | undefined {
  if (!grantable) return 'it belongs to another login, which alone may grant on it';
  if (record?.untouched.includes('*')) {
    return `EXECUTE is revoked from PUBLIC: GRANT EXECUTE ON ROUTINE ${target} TO ${USER_ROLE}`;
  }
  if (isProtected) return undefined;
  if (kind === 'table') return `row-level security is off: ALTER TABLE ${target} ENABLE ROW LEVEL SECURITY`;
  if (kind === 'view') {
    return `no policy applies to its readers: ALTER VIEW ${target} SET (security_invoker = true), and row-level security on all that it reads`;
  }
  return `a ${kind} cannot have policies`;
}

/** As if it had been taken, so that it is given back. */
function opened(object: GrantObject, rules: GrantRules): GrantRecord {
  const record = object.record as GrantRecord;
  const callers = wantedFor(object, false, rules);
  return { ...record, withheld: false, taken: [...record.taken, ...callers] };
}

/** The privileges of one role, in words. */
export function describePrivileges(privileges: readonly Privilege[]): string {
  const roles = new Map<string, string[]>();
  for (const [role, privilege] of privileges.map(splitPrivilege)) {
    roles.set(role, [...(roles.get(role) ?? []), privilege]);
  }
  return [...roles].map(([role, list]) => `${role === '' ? 'PUBLIC' : role} ${list.join(', ')}`).join('; ');
}
