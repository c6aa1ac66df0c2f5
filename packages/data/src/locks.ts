import {
  type Clock,
  type DoctorProbe,
  databaseProbe,
  describeHolders,
  endHolders,
  findLockedTables,
  findLockWaits,
  type LockHolder,
  type Logger,
  LogThrottle,
  type Queryable,
} from '@reactor/core';

/** DDL waits a second for its locks, and requests of an app seldom longer: after three, something is stuck. */
const NOTABLE_SECONDS = 3;
/** By then every request on the table has met its time limit. */
const FAILING_SECONDS = 30;
/** An app may think between two statements of a transaction, but not for a minute. */
const IDLE_SECONDS = 60;

const TIMEOUT_MS = 5_000;

interface Finding {
  readonly what: string;
  readonly holders: readonly LockHolder[];
  /** How long the longest has waited, or the holder's transaction has lasted. */
  readonly seconds: number;
  /** Sessions. */
  readonly waiting: number;
  /** Whether a session waits, or the next one will; rows that nobody asks for do not count. */
  readonly isUrgent: boolean;
}

/** `blocked_sessions`: who waits for whom, and whose locks keep others from a table. */
export function blockedSessionsProbe(database: Queryable): DoctorProbe {
  return databaseProbe({
    name: 'blocked_sessions',
    timeoutMs: TIMEOUT_MS,
    database,
    async run(signal) {
      const found = await findBlocked(database, { lockedSeconds: NOTABLE_SECONDS, idleSeconds: IDLE_SECONDS }, signal);
      if (found.length === 0) return { status: 'ok' };
      return {
        status: found.some(({ seconds, isUrgent }) => isUrgent && seconds >= FAILING_SECONDS) ? 'fail' : 'warn',
        code: 'sessions_blocked',
        message: found.map(describe).join('; '),
        remedy: endHolders(found.flatMap(({ holders }) => holders)),
      };
    },
  });
}

async function findBlocked(
  database: Queryable,
  ages: { readonly lockedSeconds: number; readonly idleSeconds: number },
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const [waits, tables] = [
    await findLockWaits(database, { signal }),
    await findLockedTables(database, ages, { signal }),
  ];
  const findings = new Map<string, Finding>();
  const note = ({ what, holders, seconds, waiting, isUrgent }: Finding) => {
    const key = `${what} ${holders.map(({ pid }) => pid).join(' ')}`;
    const known = findings.get(key) ?? { what, holders, seconds, waiting: 0, isUrgent };
    findings.set(key, {
      ...known,
      seconds: Math.max(known.seconds, seconds),
      waiting: known.waiting + waiting,
      isUrgent: known.isUrgent || isUrgent,
    });
  };
  for (const { what, holders, waitingSeconds } of waits) {
    if (waitingSeconds < ages.lockedSeconds) continue;
    note({ what, holders, seconds: waitingSeconds, waiting: 1, isUrgent: true });
  }
  for (const { what, isWhole, holder } of tables) {
    note({ what, holders: [holder], seconds: holder.ageSeconds ?? 0, waiting: 0, isUrgent: isWhole });
  }
  return [...findings.values()];
}

/** `orders is locked by pid 29201 (psql, idle in transaction, 3 min), and 2 sessions wait` */
function describe({ what, holders, waiting }: Finding): string {
  const wait = waiting === 0 ? '' : `, and ${waiting === 1 ? '1 session waits' : `${waiting} sessions wait`}`;
  return `${describeHolders(what, holders)}${wait}`;
}

/** One line tells what a thousand time-outs have in common. Milliseconds. */
const REPORT_INTERVAL_MS = 5_000;
const LOOK_TIMEOUT_MS = 2_000;

/** Writes to the log who holds a lock, after a statement has met its time limit. */
export class LockReport {
  readonly #database: Queryable;
  readonly #logger: Logger;
  readonly #throttle: LogThrottle;
  #running: Promise<void> = Promise.resolve();

  constructor(database: Queryable, logger: Logger, clock: Clock) {
    this.#database = database;
    this.#logger = logger;
    this.#throttle = new LogThrottle(clock, REPORT_INTERVAL_MS, () => {
      this.#running = this.#report();
    });
  }

  /** Looks on another connection, and at most every five seconds. The caller need not wait. */
  afterTimeout(): void {
    this.#throttle.happened();
  }

  /** Resolves when no look is under way any more, which takes two seconds at most. */
  stop(): Promise<void> {
    return this.#running;
  }

  async #report(): Promise<void> {
    try {
      const ages = { lockedSeconds: 1, idleSeconds: 1 };
      const found = await findBlocked(this.#database, ages, AbortSignal.timeout(LOOK_TIMEOUT_MS));
      if (found.length === 0) return;
      this.#logger.warn('statements met their time limit while tables were locked', {
        locks: found.map(describe),
        remedy: endHolders(found.flatMap(({ holders }) => holders)),
      });
    } catch (error) {
      this.#logger.debug('locks could not be looked at', { error });
    }
  }
}
