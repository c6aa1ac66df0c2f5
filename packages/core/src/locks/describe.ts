import type { LockHolder, LockWait } from './lock-waits.js';

/** `orders is locked by pid 29201 (psql, idle in transaction, 3 min)` */
export function describeHolders(what: string, holders: readonly LockHolder[]): string {
  return `${what} is locked by ${holders.map(describeHolder).join(' and ')}`;
}

/** The same with what each holder runs or ran last. For the operator's eyes. */
export function describeHoldersWithQuery({ what, holders }: LockWait): string {
  const queries = holders.flatMap(({ query }) => (query === undefined ? [] : [query]));
  return `${describeHolders(what, holders)}${queries.length === 0 ? '' : `; its query: ${queries.join('; ')}`}`;
}

/** What ends those who hold a lock, as an instruction. */
export function endHolders(holders: readonly LockHolder[]): string {
  const pids = [...new Set(holders.map(({ pid }) => pid))];
  const statements = pids.filter((pid) => pid !== 0).map((pid) => `select pg_terminate_backend(${pid})`);
  return [
    ...(statements.length === 0
      ? ['Wait for it to end.']
      : [`Wait for it to end, or run in the database: ${statements.join('; ')}`]),
    ...(pids.includes(0) ? ['For a prepared transaction: see pg_prepared_xacts, then ROLLBACK PREPARED.'] : []),
  ].join(' ');
}

function describeHolder({ pid, application, state, ageSeconds }: LockHolder): string {
  if (pid === 0) return 'a prepared transaction';
  const facts = [application, state, ageSeconds === undefined ? undefined : duration(ageSeconds)];
  return `pid ${pid} (${facts.filter((fact) => fact !== undefined).join(', ')})`;
}

/** `3 min` */
function duration(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
