import { createBreathe, type Queryable, REQUEST_ROLES } from '@reactor/core';
import { readInPortions } from '../schema/portions.js';
import { type Difference, difference, forNewRoles, type GrantRules, reopened } from './difference.js';
import type { GrantObject, GrantRecord } from './object.js';
import { RELATIONS, ROUTINES_AND_SEQUENCES } from './objects-sql.js';
import { grantStatements, lockStatements, needsLock } from './statements.js';

/**
 * One session at a time on one database: two that grant on the same object at once fail with "tuple concurrently updated".
 * The number is arbitrary and must stay.
 */
const LOCK = '4611922903281378';

/** Records of one statement. */
const MAX_RECORDS = 1_000;

/** Tables and views of the schema `public`. Within {@link withGrantLock}, or another empty search path. */
export async function readRelations(connection: Queryable): Promise<readonly GrantObject[]> {
  return readInPortions(connection, RELATIONS, [REQUEST_ROLES]);
}

/** Routines and sequences of the schema `public`, as {@link readRelations}. */
export async function readRoutinesAndSequences(connection: Queryable): Promise<readonly GrantObject[]> {
  return readInPortions(connection, ROUTINES_AND_SEQUENCES, [REQUEST_ROLES]);
}

/** Waits for other sessions that reconcile, until the end of the transaction. */
export async function lockGrants(transaction: Queryable): Promise<void> {
  await transaction.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
}

/**
 * Runs `work` within a transaction: under the lock, with names printed in full, and so that what it grants does not make
 * the servers read the schema again.
 */
export async function withGrantLock<T>(transaction: Queryable, work: () => Promise<T>): Promise<T> {
  await lockGrants(transaction);
  const { rows } = await transaction.query<{ path: string }>("SELECT current_setting('search_path') AS path");
  const set = 'SELECT set_config($1, $2, true)';
  await transaction.query(`${set}, set_config($3, $4, true)`, ['search_path', '', 'reactor.reconciling', 'on']);
  const result = await work();
  await transaction.query(`${set}, set_config($3, $4, true)`, [
    'search_path',
    rows[0]?.path ?? '',
    'reactor.reconciling',
    '',
  ]);
  return result;
}

/**
 * Gives and takes what row-level security and the rules ask for, and writes only what differs. Within
 * {@link withGrantLock}.
 * @returns what was changed in the database
 */
export async function reconcile(transaction: Queryable, rules: GrantRules): Promise<readonly Difference[]> {
  const roles = await readRoles(transaction);
  // A role that is gone is made again by others; what it had is not forgotten until then.
  if (roles.length < REQUEST_ROLES.length) return [];
  const made = new Set(roles.filter(({ isNew }) => isNew).map(({ name }) => name));
  // Who may read a table decides about the functions that its policies call.
  const changes = [
    ...(await apply(transaction, readRelations, rules, made)),
    ...(await apply(transaction, readRoutinesAndSequences, rules, made)),
  ];
  await transaction.query(FORGET);
  if (made.size > 0) await transaction.query(REMEMBER_ROLES, [REQUEST_ROLES]);
  return changes;
}

async function readRoles(transaction: Queryable) {
  return (await transaction.query<{ name: string; isNew: boolean }>(ROLES, [REQUEST_ROLES])).rows;
}

const ROLES = `
  SELECT r.rolname::text AS name, g.oid IS DISTINCT FROM r.oid AS "isNew"
  FROM pg_roles r LEFT JOIN reactor_data.grant_roles g ON g.name = r.rolname WHERE r.rolname = ANY ($1::text[])`;

const REMEMBER_ROLES = `
  INSERT INTO reactor_data.grant_roles SELECT rolname, oid FROM pg_roles WHERE rolname = ANY ($1::text[])
  ON CONFLICT (name) DO UPDATE SET oid = excluded.oid`;

/** Only for tables and views; routines follow at the end of a migration. As {@link reconcile}. */
export async function reconcileRelations(transaction: Queryable, rules: GrantRules): Promise<void> {
  await apply(transaction, readRelations, rules, new Set());
}

/**
 * Before a REVOKE … FROM PUBLIC of the app: routines are as PostgreSQL makes them, so that it takes hold. What it closes is
 * left alone by the next {@link reconcile}, which closes the rest again.
 */
export async function reopenRoutines(transaction: Queryable): Promise<void> {
  const routines = await readRoutinesAndSequences(transaction);
  await write(
    transaction,
    routines.filter(({ grantable }) => grantable).flatMap((routine) => reopened(routine) ?? []),
  );
}

async function apply(
  transaction: Queryable,
  read: (connection: Queryable) => Promise<readonly GrantObject[]>,
  rules: GrantRules,
  newRoles: ReadonlySet<string>,
): Promise<readonly Difference[]> {
  const find = async () => {
    const breathe = createBreathe();
    const found: Difference[] = [];
    for (const object of await read(transaction)) {
      await breathe();
      if (!object.grantable) continue;
      const now = forNewRoles(object, newRoles);
      const one = difference(now, rules);
      found.push(now === object ? one : { ...one, record: one.record ?? now.record ?? undefined });
    }
    return found;
  };
  let differences = await find();
  const toLock = differences.filter(needsLock);
  if (toLock.length > 0) {
    for (const lock of lockStatements(toLock)) await transaction.query(lock);
    // Who was waited for may have switched row-level security off. What came meanwhile is not locked: the next reading has it.
    const locked = new Set(toLock.map(({ object }) => object.oid));
    differences = (await find()).filter((found) => !needsLock(found) || locked.has(found.object.oid));
  }
  await write(transaction, differences);
  return differences.filter(({ give, take }) => give.length + take.length > 0);
}

async function write(transaction: Queryable, differences: readonly Difference[]): Promise<void> {
  for (const statement of grantStatements(differences)) await transaction.query(statement);
  await writeRecords(
    transaction,
    differences.flatMap(({ record }) => record ?? []),
  );
}

/** Notes what was given and taken. */
export async function writeRecords(transaction: Queryable, records: readonly GrantRecord[]): Promise<void> {
  for (let i = 0; i < records.length; i += MAX_RECORDS) {
    await transaction.query(REMEMBER, [JSON.stringify(records.slice(i, i + MAX_RECORDS))]);
  }
}

const REMEMBER = `
  INSERT INTO reactor_data.grants AS g (class, oid, anchor, name, origin, withheld, given, untouched, taken)
  SELECT class, oid, anchor, name, origin, withheld, given, untouched, taken
  FROM jsonb_to_recordset($1::jsonb) AS x (class text, oid oid, anchor oid, name text, origin text, withheld boolean,
    given text[], untouched text[], taken text[])
  ON CONFLICT (class, oid, anchor) DO UPDATE SET (name, origin, withheld, given, untouched, taken, changed_at) =
    (excluded.name, excluded.origin, excluded.withheld, excluded.given, excluded.untouched, excluded.taken,
     clock_timestamp())`;

/** What is no longer there, and what a restored dump brought under oids of another database. */
const FORGET = `
  DELETE FROM reactor_data.grants g
  WHERE CASE WHEN g.class = 'routine'
    THEN g.anchor <> 'reactor_data.prepare_role'::regproc OR NOT EXISTS (SELECT FROM pg_proc WHERE oid = g.oid)
    ELSE g.anchor <> 'reactor_data.grants'::regclass OR NOT EXISTS (SELECT FROM pg_class WHERE oid = g.oid) END`;
