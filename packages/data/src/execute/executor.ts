import {
  type Clock,
  coreErrors,
  type Database,
  type DatabaseConnection,
  isSqlError,
  type Principal,
  SQLSTATE,
  type SqlError,
  type Statement,
} from '@reactor/core';
import type { DataMetrics, Operation } from '../metrics.js';
import type { Plan, PlanRow } from '../plan/statement.js';
import { isTimeout } from '../schema/read-catalog.js';
import { CHECK_ROLE, roleOf, type Session, sessionStatements } from './session.js';
import { fromSqlError } from './sql-errors.js';

/** What one plan answered. */
export interface PlanResult {
  /** JSON or CSV; null when there is nothing to say. */
  readonly body: string | null;
  /** Rows in `body`. */
  readonly rowCount: number;
  /** Rows without limit and offset, exact or estimated as the plan was asked; undefined when it was not. */
  readonly totalCount: number | undefined;
  /** Rows written; undefined for a read. */
  readonly affectedCount: number | undefined;
}

/** A longer statement is not worth what keeping it prepared on every connection costs. Characters. */
const MAX_PREPARED_LENGTH = 8_192;

const BEGIN: Statement = { text: 'BEGIN', prepareAs: 'begin' };

/**
 * Ends what a function or a trigger may leave on its connection beyond the transaction: settings, temporary tables, locks.
 * Within the transaction, so that the request has not taken effect when it fails.
 */
const END_REQUEST: Statement = { text: 'SELECT auth.end_request()', prepareAs: 'end of a request' };

/** Enough after a read in which no function of the app can have run. */
const RESET_SETTINGS: Statement = { text: 'RESET ALL', prepareAs: 'reset of settings' };

export interface ExecutorOptions {
  /** For the operator. */
  readonly database: Database;
  /** For callers. */
  readonly requests: Database;
  readonly metrics: DataMetrics;
  readonly clock: Clock;
  /** Called when PostgreSQL ended a statement because of a time limit. */
  readonly onTimeout?: () => void;
}

/** Runs plans as the caller: with the caller's role, claims and limits, in a transaction of their own. */
export class Executor {
  readonly #options: ExecutorOptions;
  /** Of `database`: as whom the operator's requests run. */
  #login: Promise<string> | undefined;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /**
   * Runs a plan that only reads, in one round trip.
   * @throws DataError for an error of PostgreSQL, whose cause is that error
   */
  read(operation: Operation, session: Session, plan: Plan): Promise<PlanResult> {
    const isQuiet = operation !== 'call' && plan.quiet === true;
    return this.#once(operation, session, plan, isQuiet ? RESET_SETTINGS : END_REQUEST);
  }

  /**
   * Runs a plan that may write.
   * @param decide looks at what was done, which takes a second round trip; throwing undoes it, as answering `rollback`
   *   does. Without it everything counts that PostgreSQL itself did not refuse.
   * @throws DataError for an error of PostgreSQL, and what `decide` throws
   */
  write(
    operation: Operation,
    session: Session,
    plan: Plan,
    decide?: (result: PlanResult) => 'commit' | 'rollback',
  ): Promise<PlanResult> {
    if (decide === undefined) return this.#once(operation, session, plan, END_REQUEST);
    return this.#measured(operation, session, async (connection, opening) => {
      const statements = [BEGIN, ...opening, prepared(plan, session.principal), END_REQUEST];
      try {
        const [, , , result] = await connection.pipeline(statements, { signal: session.signal });
        const planResult = toResult(result?.rows[0], undefined);
        await connection.query(decide(planResult) === 'commit' ? 'COMMIT' : 'ROLLBACK');
        return planResult;
      } catch (error) {
        await connection.query('ROLLBACK').catch(() => {});
        throw error;
      }
    });
  }

  /**
   * What EXPLAIN says of a plan. With ANALYZE it is carried out, and undone.
   * @param options as EXPLAIN takes them, e.g. `ANALYZE, FORMAT JSON`
   */
  explain(operation: Operation, session: Session, plan: Plan, options: string): Promise<readonly unknown[]> {
    const text = `EXPLAIN (${options}) ${plan.text}`;
    return this.#measured(operation, session, async (connection, opening) => {
      try {
        const statements = [BEGIN, ...opening, { text, values: plan.values }, END_REQUEST];
        const [, , , result] = await connection.pipeline(statements, { signal: session.signal });
        return (result?.rows ?? []).map((row) => row['QUERY PLAN']);
      } finally {
        await connection.query('ROLLBACK').catch(() => {});
      }
    });
  }

  /** A pipeline is a transaction of its own. */
  #once(operation: Operation, session: Session, plan: Plan, last: Statement): Promise<PlanResult> {
    return this.#measured(operation, session, async (connection, opening) => {
      const statements: Statement[] = [...opening, prepared(plan, session.principal)];
      // Planning is cheap next to a second round trip, even where the estimate turns out not to be needed.
      if (plan.estimate !== undefined) statements.push(plan.estimate);
      statements.push(last);
      const [, , result, estimate] = await connection.pipeline(statements, { signal: session.signal });
      return toResult(result?.rows[0], plan.estimate === undefined ? undefined : estimate?.rows[0]);
    });
  }

  async #measured<T>(
    operation: Operation,
    session: Session,
    work: (connection: DatabaseConnection, opening: readonly Statement[]) => Promise<T>,
  ): Promise<T> {
    const { database, requests, metrics, clock, onTimeout } = this.#options;
    const { principal } = session;
    const isSystem = principal.kind === 'system';
    const opening = sessionStatements(session, isSystem ? await this.#loginOf(database) : '');
    const connection = await (isSystem ? database : requests).connect();
    const started = clock.monotonic();
    try {
      const result = await work(connection, opening);
      connection.release();
      return result;
    } catch (error) {
      // Locks outlive an undone transaction. The caller need not wait for this.
      void releaseClean(connection);
      if (!isSqlError(error)) throw error;
      if (isWrongRole(error)) {
        throw coreErrors.create.database_unavailable('The database connection runs as another role.', {
          cause: error,
          headers: { 'Retry-After': '1' },
        });
      }
      if (isTimeout(error)) onTimeout?.();
      throw fromSqlError(error, principal);
    } finally {
      metrics.statement(operation, clock.monotonic() - started);
    }
  }

  /** Asked once: it is what the connection string says, unless a pooler puts another in its place. */
  #loginOf(database: Database): Promise<string> {
    this.#login ??= database.query<{ login: string }>('SELECT session_user::text AS login').then(
      ({ rows }) => rows[0]?.login ?? '',
      (error: unknown) => {
        this.#login = undefined;
        throw error;
      },
    );
    return this.#login;
  }
}

/** Whether the connection ran as another role than the one who asked, and so did not. */
function isWrongRole(error: SqlError): boolean {
  const { failedStatement } = error as { readonly failedStatement?: Statement };
  return error.code === SQLSTATE.divisionByZero && failedStatement?.text === CHECK_ROLE;
}

async function releaseClean(connection: DatabaseConnection): Promise<void> {
  try {
    await connection.pipeline([END_REQUEST]);
    connection.release();
  } catch {
    connection.release(true);
  }
}

/**
 * Of its own for each role: PostgreSQL plans a statement again when another role runs it. And for each generation
 * of the schema: a statement keeps the types of its parameters for good.
 */
function prepared({ text, values, generation }: Plan, principal: Principal): Statement {
  return generation === undefined || text.length > MAX_PREPARED_LENGTH
    ? { text, values }
    : { text, values, prepareAs: `${generation} ${roleOf(principal)} ${text}` };
}

function toResult(row: Record<string, unknown> | undefined, estimate: Record<string, unknown> | undefined): PlanResult {
  const { body, row_count, total_count, affected_count } = row as unknown as PlanRow;
  return {
    body,
    rowCount: Number(row_count),
    totalCount: total_count === null ? plannedRows(estimate) : Number(total_count),
    affectedCount: affected_count === null ? undefined : Number(affected_count),
  };
}

function plannedRows(estimate: Record<string, unknown> | undefined): number | undefined {
  const [explained] = (estimate?.['QUERY PLAN'] ?? []) as { Plan: { 'Plan Rows': number } }[];
  return explained?.Plan['Plan Rows'];
}
