import { type Database, isSqlError, type Logger, type Queryable, SQLSTATE } from '@reactor/core';
import type { Difference, GrantRules } from './difference.js';
import { type Exposed, expose } from './expose.js';
import { lockGrants, reconcile, reconcileRelations, reopenRoutines, withGrantLock } from './reconcile.js';

export interface GrantsOptions extends GrantRules {
  readonly database: Database;
  readonly logger: Logger;
}

/** DDL of another session may hold an object for long; the next reading of the schema tries again. */
const LOCK_TIMEOUT_MS = 2_000;

/** What another session brings about that alters or drops an object meanwhile; "tuple concurrently updated" is internal. */
const CONCURRENT: ReadonlySet<string> = new Set([
  SQLSTATE.undefinedTable,
  SQLSTATE.undefinedFunction,
  SQLSTATE.undefinedObject,
  SQLSTATE.internalError,
  SQLSTATE.deadlockDetected,
  SQLSTATE.serializationFailure,
]);

const FROM_PUBLIC = /\brevoke\b[\s\S]*\bpublic\b/i;

/** Privileges of the request roles on what is in the schema `public`: they follow row-level security. */
export class Grants {
  readonly #options: GrantsOptions;
  /** From what something was taken during the start; undefined after it. */
  #taken: Set<string> | undefined = new Set();

  constructor(options: GrantsOptions) {
    this.#options = options;
  }

  /**
   * Gives and takes what differs, in a transaction of its own.
   * @throws what the database throws, after one more try where another session was in the way
   */
  async reconcile(): Promise<void> {
    this.#log(await this.#transaction((transaction) => reconcile(transaction, this.#options)));
  }

  /**
   * As `reconcile`, for readings of the schema.
   * @returns whether privileges are as they must be; false while a migration runs, or another session holds a lock
   */
  async tryReconcile(): Promise<boolean> {
    try {
      await this.reconcile();
      return true;
    } catch (error) {
      this.#options.logger.warn('privileges could not be reconciled with row-level security', { error });
      return false;
    }
  }

  /** At the end of a start: one line for what it took, as an upgrade may, however long the log is before it. */
  endStart(): void {
    const objects = this.#taken?.size ?? 0;
    this.#taken = undefined;
    if (objects === 0) return;
    const what = objects === 1 ? '1 object' : `${objects} objects`;
    this.#options.logger.warn(`this start took privileges on ${what} from callers; see reactor doctor`, { objects });
  }

  /** Opens what was withheld. @param names undefined for everything */
  async expose(names: readonly string[] | undefined): Promise<Exposed> {
    const result = await this.#transaction((transaction) => expose(transaction, names, this.#options));
    for (const one of result.exposed) this.#options.logger.info('exposed to requests', { ...one });
    return result;
  }

  /** For the runner of migrations, in its transaction: before a file runs, so that nobody grants meanwhile. */
  lock(transaction: Queryable): Promise<void> {
    return lockGrants(transaction);
  }

  /**
   * For the runner, before a statement that grants or revokes: it finds what the file made as it would be without it.
   */
  async prepareFor(statement: string, transaction: Queryable): Promise<void> {
    await withGrantLock(transaction, async () => {
      await reconcileRelations(transaction, this.#options);
      if (FROM_PUBLIC.test(statement)) await reopenRoutines(transaction);
    });
  }

  /** For the runner, at the end of a file. */
  async settle(transaction: Queryable): Promise<void> {
    await withGrantLock(transaction, () => reconcile(transaction, this.#options));
  }

  async #transaction<T>(work: (transaction: Queryable) => Promise<T>): Promise<T> {
    const once = () =>
      this.#options.database.transaction(async (transaction) => {
        await transaction.query("SELECT set_config('lock_timeout', $1, true)", [String(LOCK_TIMEOUT_MS)]);
        return withGrantLock(transaction, () => work(transaction));
      });
    try {
      return await once();
    } catch (error) {
      if (!isSqlError(error) || !CONCURRENT.has(error.code)) throw error;
      return once();
    }
  }

  #log(changes: readonly Difference[]): void {
    for (const change of changes) {
      const { object, give, take } = change;
      if (isNews(change)) this.#taken?.add(object.target);
      const fields = { object: object.target, kind: object.kind, given: give, taken: take };
      if (take.length > 0) this.#options.logger.info('privileges taken', fields);
      else this.#options.logger.debug('privileges given', fields);
    }
  }
}

/** A function is open to PUBLIC when it is made; this is closed silently. */
function isNews({ object, take }: Difference): boolean {
  return take.length > 0 && !(object.class === 'routine' && object.record === null);
}
