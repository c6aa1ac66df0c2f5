import {
  ANONYMOUS_ROLE,
  type Database,
  type ProbeResult,
  type Queryable,
  type QueryOptions,
  REQUEST_ROLES,
  USER_ROLE,
} from '@reactor/core';
import { difference, type GrantRules } from './difference.js';
import { describePrivileges } from './expose.js';
import type { GrantObject } from './object.js';
import { readRelations, readRoutinesAndSequences } from './reconcile.js';

/** What the doctor says of privileges. */
export async function grantsProbe(database: Database, rules: GrantRules, options?: QueryOptions): Promise<ProbeResult> {
  const { objects, defaults } = await database.transaction((transaction) =>
    readGrants({ query: (text, values) => transaction.query(text, values, options) }),
  );
  const findings = [
    finding(objects.filter(isPending(rules)), {
      code: 'grants_pending',
      message: 'Privileges are not as row-level security requires',
      remedy: 'Call POST /data/v1/_admin/reload or restart the server; its log says what is in the way.',
    }),
    finding(
      objects.filter(isOpen),
      {
        code: 'grants_without_row_security',
        message: 'Granted by the app, although no policy applies',
        remedy: 'Switch row-level security on, or REVOKE what the app has granted there.',
      },
      ({ held }) => ` (${describePrivileges(held)})`,
    ),
    finding(objects.filter(isForeign), {
      code: 'grants_of_others',
      message: 'Owned by another login, which alone may grant and revoke there',
      remedy: `As its owner, GRANT to ${USER_ROLE}, and REVOKE EXECUTE on functions FROM PUBLIC.`,
    }),
    finding(objects.filter(isWithheld), {
      code: 'grants_withheld',
      message: 'Withheld, because it was there before Reactor',
      remedy: 'Run: reactor db expose <table…>; or reactor db expose --all.',
    }),
    finding(objects.filter(wasClosed), {
      code: 'grants_changed',
      message: 'Closed by the upgrade, because no policy applies',
      remedy:
        'ALTER TABLE … ENABLE ROW LEVEL SECURITY opens a table again, security_invoker = true a view on such tables.',
    }),
    finding(objects.filter(lostAnonymous), {
      code: 'grants_changed',
      message: 'No longer callable without a token since the upgrade, also from inside other functions',
      remedy: `GRANT EXECUTE ON FUNCTION … TO ${ANONYMOUS_ROLE}, or set data.anonymous_functions = true.`,
    }),
    ...defaults.map((owner) => ({
      code: 'grants_by_default',
      message: `What ${owner} creates is granted to the request roles by default`,
      remedy: `Run as ${owner} or an administrator: ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} IN SCHEMA public REVOKE ALL ON TABLES FROM ${ANONYMOUS_ROLE}, ${USER_ROLE};`,
    })),
  ].filter((one) => one !== undefined);
  const [first] = findings;
  if (first === undefined) return { status: 'ok' };
  const upgraded = findings.some(({ code }) => code === 'grants_changed')
    ? " When all is as it should be: UPDATE reactor_data.grants SET origin = 'new' WHERE origin = 'upgrade'."
    : '';
  return {
    status: 'warn',
    code: first.code,
    message: findings.map(({ message }) => message).join('; '),
    remedy: `${[...new Set(findings.map(({ remedy }) => remedy))].join(' ')}${upgraded}`,
  };
}

interface Finding {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** Most names of one finding; a report that lists thousands is not read. */
const MAX_NAMES = 20;

function finding(
  objects: readonly GrantObject[],
  { code, message, remedy }: Finding,
  note: (object: GrantObject) => string = () => '',
): Finding | undefined {
  if (objects.length === 0) return undefined;
  const names = objects.slice(0, MAX_NAMES).map((object) => `${object.kind} ${object.name}${note(object)}`);
  const more = objects.length > MAX_NAMES ? ` and ${objects.length - MAX_NAMES} more` : '';
  return { code, message: `${message}: ${names.join(', ')}${more}`, remedy };
}

const isPending = (rules: GrantRules) => (object: GrantObject) => {
  if (!object.grantable) return false;
  const { give, take } = difference(object, rules);
  return give.length + take.length > 0;
};

const isRelation = ({ class: objectClass, kind }: GrantObject) =>
  objectClass === 'relation' && kind !== 'object of an extension';

const isOpen = (object: GrantObject) =>
  isRelation(object) &&
  !object.protected &&
  object.held.some((privilege) => !(object.record?.given.includes(privilege) ?? false));

const isForeign = ({ class: objectClass, grantable, protected: isProtected, held, kind }: GrantObject) =>
  !grantable &&
  ((objectClass === 'relation' && isProtected && held.length === 0) ||
    (objectClass === 'routine' && kind !== 'trigger function' && held.includes('=EXECUTE')));

/** What `expose` would open; why it would not is said elsewhere. */
const isWithheld = ({ record, kind, protected: isProtected }: GrantObject) =>
  record?.withheld === true &&
  isProtected &&
  !record.untouched.includes('*') &&
  kind !== 'sequence' &&
  kind !== 'trigger function';

const wasClosed = (object: GrantObject) =>
  isRelation(object) && object.record?.origin === 'upgrade' && object.record.taken.length > 0;

const lostAnonymous = ({ kind, record, actual }: GrantObject) =>
  kind === 'function' &&
  record?.origin === 'upgrade' &&
  record.taken.includes('=EXECUTE') &&
  !actual.includes(`${ANONYMOUS_ROLE}=EXECUTE`);

/** Who gives the request roles privileges on future tables. */
const DEFAULTS = `
  SELECT DISTINCT quote_ident(o.rolname) AS owner
  FROM pg_default_acl d JOIN pg_roles o ON o.oid = d.defaclrole, aclexplode(d.defaclacl) x
    JOIN pg_roles r ON r.oid = x.grantee
  WHERE d.defaclobjtype = 'r' AND d.defaclnamespace IN (0, 'public'::regnamespace) AND r.rolname = ANY ($1::text[])
  ORDER BY 1`;

async function readGrants(transaction: Queryable) {
  await transaction.query("SELECT set_config('search_path', '', true)");
  const objects = [...(await readRelations(transaction)), ...(await readRoutinesAndSequences(transaction))];
  const { rows } = await transaction.query<{ owner: string }>(DEFAULTS, [REQUEST_ROLES]);
  return { objects, defaults: rows.map(({ owner }) => owner) };
}
