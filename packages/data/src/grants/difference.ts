import { ANONYMOUS_ROLE, USER_ROLE } from '@reactor/core';
import { type GrantObject, type GrantRecord, type Privilege, splitPrivilege } from './object.js';

/** What there is to do about one object, and what is to be noted of it. */
export interface Difference {
  readonly object: GrantObject;
  readonly give: readonly Privilege[];
  readonly take: readonly Privilege[];
  /** Undefined when the record is as it should be. */
  readonly record: GrantRecord | undefined;
}

export interface GrantRules {
  /** Whether callers without a token may call functions that nobody granted to them. */
  readonly anonymousFunctions: boolean;
}

const PUBLIC_EXECUTE = '=EXECUTE';

/** Row-level security decides about rows; these say which verbs are open at all. */
const RELATION_PRIVILEGES: readonly Privilege[] = [
  `${ANONYMOUS_ROLE}=SELECT`,
  ...['SELECT', 'INSERT', 'UPDATE', 'DELETE'].map((verb) => `${USER_ROLE}=${verb}`),
];

/**
 * Compares what an object should have with what it has and with what we noted. Each privilege is given once: what the app
 * gave or took itself, before or after us, is its own from then on.
 */
export function difference(object: GrantObject, rules: GrantRules): Difference {
  const before = object.record ?? firstSight(object);
  const wanted = wantedFor(object, before.withheld, rules);
  const { actual, said } = object;
  const { given, untouched, taken } = before;
  if (untouched.includes('*')) return changed(object, [], [], before);
  // The app has closed it, and grants it to whom it likes.
  if (isClosed(object, before)) return changed(object, [], [], { ...before, given: [], untouched: ['*'] });
  const missing = without(wanted, [...given, ...untouched]);
  // What we took we may give back. As for the rest, the app may have spoken before us.
  const spoken = missing.filter((one) => !taken.includes(one) && said.includes(splitPrivilege(one)[0]));
  const give = without(missing, [...actual, ...spoken]);
  const surplus = without(given, wanted);
  const take = both(surplus, actual);
  return changed(object, give, take, {
    ...before,
    given: [...without(both(given, actual), take), ...give],
    // Given and gone: the app revoked it. There before us: the app granted it.
    untouched: [...new Set([...untouched, ...without(given, actual), ...both(missing, actual), ...spoken])],
    taken: [...without(taken, [...give, ...actual]), ...take],
  });
}

function firstSight(object: GrantObject): GrantRecord {
  const { class: objectClass, oid, anchor, name } = object;
  const record = { class: objectClass, oid, anchor, name, origin: 'new', withheld: false, taken: [] } as const;
  // Every routine begins open to PUBLIC.
  return { ...record, given: objectClass === 'routine' ? [PUBLIC_EXECUTE] : [], untouched: [] };
}

/**
 * As `object`, where roles that were made again have lost what they had: that is no REVOKE of the app, and is given back.
 * @param roles names of those roles
 */
export function forNewRoles(object: GrantObject, roles: ReadonlySet<string>): GrantObject {
  const { record, actual } = object;
  if (record === null || roles.size === 0) return object;
  const lost = without(record.given, actual).filter((one) => roles.has(splitPrivilege(one)[0]));
  if (lost.length === 0) return object;
  return { ...object, record: { ...record, given: without(record.given, lost), taken: [...record.taken, ...lost] } };
}

function isClosed({ class: objectClass, actual }: GrantObject, { given }: GrantRecord): boolean {
  return objectClass === 'routine' && given.includes(PUBLIC_EXECUTE) && !actual.includes(PUBLIC_EXECUTE);
}

/**
 * A routine as PostgreSQL makes it, open to PUBLIC and to nobody else because of us; undefined where we did not close it.
 */
export function reopened(object: GrantObject): Difference | undefined {
  const { record, actual } = object;
  if (record === null || record.withheld || !record.taken.includes(PUBLIC_EXECUTE)) return undefined;
  if (actual.includes(PUBLIC_EXECUTE)) return undefined;
  return changed(object, [PUBLIC_EXECUTE], both(record.given, actual), {
    ...record,
    given: [PUBLIC_EXECUTE],
    taken: without(record.taken, [PUBLIC_EXECUTE]),
  });
}

/** What the request roles, and others who need it, should have. */
export function wantedFor(
  object: GrantObject,
  withheld: boolean,
  { anonymousFunctions }: GrantRules,
): readonly Privilege[] {
  if (object.class === 'relation') return object.protected && !withheld ? RELATION_PRIVILEGES : [];
  if (object.class === 'sequence' || withheld || object.kind === 'trigger function') return object.needed;
  const callers = anonymousFunctions ? [ANONYMOUS_ROLE, USER_ROLE] : [USER_ROLE];
  return [...new Set([...callers.map((role) => `${role}=EXECUTE`), ...object.needed])];
}

function changed(
  object: GrantObject,
  give: readonly Privilege[],
  take: readonly Privilege[],
  next: GrantRecord,
): Difference {
  const { oid, anchor, name } = object;
  // A restored dump has other oids, a renamed object another name.
  const record = { ...next, oid, anchor, name };
  return { object, give, take, record: isSame(object.record, record) ? undefined : record };
}

function isSame(a: GrantRecord | null, b: GrantRecord): boolean {
  if (a === null) return false;
  const equal = (x: readonly string[], y: readonly string[]) => x.length === y.length && without(x, y).length === 0;
  return (
    a.oid === b.oid &&
    a.anchor === b.anchor &&
    a.name === b.name &&
    a.withheld === b.withheld &&
    equal(a.given, b.given) &&
    equal(a.untouched, b.untouched) &&
    equal(a.taken, b.taken)
  );
}

function without(list: readonly string[], others: readonly string[]): readonly string[] {
  return list.filter((one) => !others.includes(one));
}

function both(list: readonly string[], others: readonly string[]): readonly string[] {
  return list.filter((one) => others.includes(one));
}
