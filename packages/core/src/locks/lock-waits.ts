import type { Queryable, QueryOptions } from '../ports/queryable.js';
import { shortQuery } from './short-query.js';

/** A session of PostgreSQL that holds a lock. What the login may not see of it is undefined. */
export interface LockHolder {
  /** 0 for a prepared transaction, which belongs to no session. */
  readonly pid: number;
  /** What the client calls itself, else its user: `psql`. */
  readonly application: string;
  /** `active`, `idle in transaction`. */
  readonly state?: string;
  /** Since its transaction began. */
  readonly ageSeconds?: number;
  /** What it runs or ran last, shortened and without its literals. */
  readonly query?: string;
}

/** A session that waits, and who lets it wait in the end: those who wait themselves are passed over. */
export interface LockWait {
  readonly pid: number;
  readonly waitingSeconds: number;
  /** `orders`, `a row of orders`, `an advisory lock`. */
  readonly what: string;
  readonly holders: readonly LockHolder[];
}

/** A table that nobody else can read, or rows of it that nobody else can change. */
export interface LockedTable {
  /** `orders`, `rows of orders`. */
  readonly what: string;
  /** Whether nobody can read it, either. */
  readonly isWhole: boolean;
  readonly holder: LockHolder;
}

export interface LockAges {
  /** Seconds for which a table was kept from everybody else. */
  readonly lockedSeconds: number;
  /** Seconds for which a transaction that holds rows has done nothing; undefined leaves those out. */
  readonly idleSeconds?: number;
}

/** More tell the operator nothing new. */
const MAX_ROWS = 100;

/** `waitstart` is unset for the first moments. `pg_locks` and not `wait_event`, which only some logins see of others. */
const WAITS = `
  SELECT l.pid, greatest(0, extract(epoch FROM clock_timestamp() - coalesce(l.waitstart, clock_timestamp())))::float8 AS seconds,
    CASE WHEN l.locktype = 'relation' THEN l.relation::regclass::text
      WHEN l.locktype = 'advisory' THEN 'an advisory lock'
      WHEN l.locktype IN ('transactionid', 'tuple') THEN coalesce('a row of ' || (SELECT t.relation::regclass::text
        FROM pg_catalog.pg_locks t WHERE t.pid = l.pid AND t.locktype = 'tuple' LIMIT 1), 'a row')
      WHEN l.locktype = 'virtualxid' THEN 'an older transaction'
      ELSE 'a lock of kind ' || l.locktype END AS what,
    pg_catalog.pg_blocking_pids(l.pid) AS by
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database()
  WHERE NOT l.granted
  ORDER BY 2 DESC LIMIT ${MAX_ROWS}`;

const HOLDER = `coalesce(nullif(a.application_name, ''), a.usename::text, 'unknown') AS application, a.state,
  extract(epoch FROM statement_timestamp() - coalesce(a.xact_start, a.query_start))::float8 AS age, 
  left(nullif(a.query, '<insufficient privilege>'), 2000) AS query`;

const HOLDERS = `SELECT a.pid, ${HOLDER} FROM pg_catalog.pg_stat_activity a WHERE a.pid = ANY ($1)`;

/** The age of a session that the login may not see is unknown: then the lock counts as old. */
const LOCKED_TABLES = `
  SELECT DISTINCT CASE l.mode WHEN 'AccessExclusiveLock' THEN '' ELSE 'rows of ' END || l.relation::regclass::text AS what,
    l.mode = 'AccessExclusiveLock' AS whole,
    a.pid, ${HOLDER}
  FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid AND a.datname = current_database()
    JOIN pg_catalog.pg_class c ON c.oid = l.relation
  WHERE l.granted AND l.locktype = 'relation' AND l.pid <> pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND c.relkind IN ('r', 'p', 'm', 'f') AND c.relpersistence <> 't'
    AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
    AND (l.mode = 'AccessExclusiveLock'
        AND coalesce(a.xact_start, a.query_start, '-infinity') <= clock_timestamp() - $1 * interval '1 s'
      OR l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock')
        AND a.state LIKE 'idle in transaction%' AND a.state_change <= clock_timestamp() - $2 * interval '1 s')
  ORDER BY age DESC NULLS LAST, 1 LIMIT ${MAX_ROWS}`;

interface WaitRow {
  readonly pid: number;
  readonly seconds: number;
  readonly what: string;
  readonly by: readonly number[];
}

interface HolderRow {
  readonly pid: number;
  readonly application: string;
  readonly state: string | null;
  readonly age: number | null;
  readonly query: string | null;
}

/** Every session of this database that waits for a lock, the longest first, at most 100. */
export async function findLockWaits(database: Queryable, options?: QueryOptions): Promise<readonly LockWait[]> {
  const { rows: seen } = await database.query<WaitRow>(WAITS, [], options);
  // A wait may end between the list of locks and the question who blocks: then nobody does.
  const rows = seen.filter(({ by }) => by.length > 0);
  if (rows.length === 0) return [];
  const waiting = new Map(rows.map(({ pid, by }) => [pid, by]));
  const roots = new Map(rows.map(({ pid }) => [pid, rootsOf(pid, waiting)]));
  const pids = [...new Set([...roots.values()].flat())];
  const { rows: found } = await database.query<HolderRow>(HOLDERS, [pids], options);
  const holders = new Map(found.map((row) => [row.pid, toHolder(row)]));
  return rows.map(({ pid, seconds, what }) => ({
    pid,
    waitingSeconds: seconds,
    what,
    holders: (roots.get(pid) ?? []).map((holder) => holders.get(holder) ?? { pid: holder, application: 'unknown' }),
  }));
}

/** Tables and rows that a session has kept from others for so long, the oldest first, at most 100. */
export async function findLockedTables(
  database: Queryable,
  { lockedSeconds, idleSeconds }: LockAges,
  options?: QueryOptions,
): Promise<readonly LockedTable[]> {
  const { rows } = await database.query<HolderRow & { readonly what: string; readonly whole: boolean }>(
    LOCKED_TABLES,
    [lockedSeconds, idleSeconds ?? null],
    options,
  );
  return rows.map((row) => ({ what: row.what, isWhole: row.whole, holder: toHolder(row) }));
}

/** The waits may form a circle, until PostgreSQL has found the deadlock. */
function rootsOf(pid: number, waiting: ReadonlyMap<number, readonly number[]>): readonly number[] {
  const seen = new Set<number>([pid]);
  const open = [...(waiting.get(pid) ?? [])];
  const roots = new Set<number>();
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const by = waiting.get(next);
    if (by === undefined) roots.add(next);
    else open.push(...by);
  }
  return roots.size > 0 ? [...roots] : [...new Set(waiting.get(pid))];
}

function toHolder({ pid, application, state, age, query }: HolderRow): LockHolder {
  return {
    pid,
    application,
    ...(state === null ? {} : { state }),
    ...(age === null ? {} : { ageSeconds: Math.max(0, age) }),
    ...(query === null || query === '' ? {} : { query: shortQuery(query) }),
  };
}
