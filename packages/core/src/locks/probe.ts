import type { DoctorProbe, ProbeResult, Resource } from '../capability.js';
import { withTimeout } from '../deadline.js';
import type { Queryable } from '../ports/queryable.js';
import { describeHolders, endHolders } from './describe.js';
import { findLockedTables, findLockWaits } from './lock-waits.js';
import { isLockFailure } from './retry.js';

/** Of a probe's time: for its own work, and then for finding out who keeps it from being done. */
const WORK_SHARE = 0.6;
const EXPLAIN_SHARE = 0.3;

export interface DatabaseProbe {
  readonly name: string;
  readonly timeoutMs: number;
  /** Default `['database']`. */
  readonly dependsOn?: readonly Resource[];
  readonly database: Queryable;
  /** Passes its signal to every query: what is left running would hold a connection of the pool. */
  run(signal: AbortSignal): Promise<ProbeResult>;
}

/** A probe that needs the database. When it gets no answer, it says who holds a lock. */
export function databaseProbe({
  name,
  timeoutMs,
  dependsOn = ['database'],
  database,
  run,
}: DatabaseProbe): DoctorProbe {
  return {
    name,
    timeoutMs,
    dependsOn,
    async run(signal) {
      const workMs = timeoutMs * WORK_SHARE;
      let limited: AbortSignal | undefined;
      try {
        return await withTimeout(
          workMs,
          (own) => {
            limited = own;
            return run(own);
          },
          signal,
        );
      } catch (error) {
        if (signal.aborted || (limited?.aborted !== true && !isLockFailure(error))) throw error;
        return (await explain(database, timeoutMs * EXPLAIN_SHARE)) ?? noAnswer(workMs);
      }
    },
  };
}

/** Who holds a table, or lets others wait; undefined when nobody does, or that cannot be found out. */
async function explain(database: Queryable, timeoutMs: number): Promise<ProbeResult | undefined> {
  const options = { signal: AbortSignal.timeout(timeoutMs) };
  try {
    const tables = await findLockedTables(database, { lockedSeconds: 0 }, options);
    const waits = tables.length > 0 ? [] : await findLockWaits(database, options);
    const locks = [
      ...tables.map(({ what, holder }) => ({ what, holders: [holder] })),
      ...waits.map(({ what, holders }) => ({ what, holders })),
    ];
    if (locks.length === 0) return undefined;
    return {
      status: 'fail',
      code: 'database_locked',
      message: `No answer: ${[...new Set(locks.map(({ what, holders }) => describeHolders(what, holders)))].join('; ')}`,
      remedy: endHolders(locks.flatMap(({ holders }) => holders)),
    };
  } catch {
    return undefined;
  }
}

function noAnswer(timeoutMs: number): ProbeResult {
  return {
    status: 'fail',
    code: 'probe_timeout',
    message: `No answer within ${timeoutMs} ms.`,
    remedy: 'Check whether the database is overloaded or frozen.',
  };
}
