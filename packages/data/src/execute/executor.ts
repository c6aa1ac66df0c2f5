import type { Clock, Database, DatabaseConnection, Principal, Statement } from '@reactor/core';
import { type DataError, dataError } from '../errors.js';
import type { DataMetrics, Operation } from '../metrics.js';
import type { Plan, PlanRow } from '../plan/statement.js';
import { roleOf, type Session, sessionStatement } from './session.js';
import { fromSqlError, isSqlError } from './sql-errors.js';

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

/** "No such prepared statement": it was removed behind our back, and the transaction with it. */
const PREPARED_STATEMENT_GONE = '26000';

/**
 * What a function or a trigger may leave on its connection beyond the transaction: settings, temporary tables, locks.
 * Whoever gets the connection next must not meet them. As DISCARD ALL, which would take the prepared statements too.
 */
const CLEAN_UP =
  'CLOSE ALL; RESET SESSION AUTHORIZATION; RESET ALL; DISCARD TEMP; DISCARD SEQUENCES; UNLISTEN *; ' +
  'SELECT pg_catalog.pg_advisory_unlock_all()';

/** The same after a read of a table, within its round trip: policies and views may call functions, but not do much. */
const RESET_SETTINGS: Statement = { text: 'RESET ALL', prepareAs: 'reset of settings' };

export interface ExecutorOptions {
  readonly database: Database;
  readonly metrics: DataMetrics;
  readonly clock: Clock;
}

/** Runs plans as the caller: with the caller's role, claims and limits, in a transaction of their own. */
export class Executor {
  readonly #options: ExecutorOptions;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /**
   * Runs a plan that only reads, in one round trip.
   * @throws DataError for an error of PostgreSQL, whose cause is that error; `result_too_large` (400)
   */
  read(operation: Operation, session: Session, plan: Plan): Promise<PlanResult> {
    const statements = [sessionStatement(session), prepared(plan, session.principal)];
    // Planning is cheap next to a second round trip, even where the estimate turns out not to be needed.
    if (plan.estimate !== undefined) statements.push(plan.estimate);
    statements.push(RESET_SETTINGS);
    return this.#measured(operation, session, async (connection) => {
      const [, result, estimate] = await connection.pipeline(statements);
      return toResult(result?.rows[0], plan.estimate === undefined ? undefined : estimate?.rows[0]);
    });
  }

  /**
   * Runs a plan that may write, in two round trips.
   * @param decide looks at what was done; throwing undoes it, as answering `rollback` does
   * @throws DataError for an error of PostgreSQL, and what `decide` throws
   */
  write(
    operation: Operation,
    session: Session,
    plan: Plan,
    decide: (result: PlanResult) => 'commit' | 'rollback',
  ): Promise<PlanResult> {
    const statements = [{ text: 'BEGIN' }, sessionStatement(session), prepared(plan, session.principal)];
    return this.#measured(operation, session, async (connection) => {
      try {
        const [, , result] = await connection.pipeline(statements);
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
    return this.#measured(operation, session, async (connection) => {
      try {
        const statements = [{ text: 'BEGIN' }, sessionStatement(session), { text, values: plan.values }];
        const [, , result] = await connection.pipeline(statements);
        return (result?.rows ?? []).map((row) => row['QUERY PLAN']);
      } finally {
        await connection.query('ROLLBACK').catch(() => {});
      }
    });
  }

  async #measured<T>(
    operation: Operation,
    { principal, readOnly }: Session,
    work: (connection: DatabaseConnection) => Promise<T>,
  ): Promise<T> {
    const { database, metrics, clock } = this.#options;
    const connection = await database.connect();
    const started = clock.monotonic();
    try {
      try {
        return await work(connection);
      } catch (error) {
        if (!isSqlError(error) || error.code !== PREPARED_STATEMENT_GONE) throw error;
        return await work(connection);
      }
    } catch (error) {
      throw isSqlError(error) ? fromSqlError(error, principal) : error;
    } finally {
      metrics.statement(operation, clock.monotonic() - started);
      if (readOnly && operation !== 'call') connection.release();
      // The caller has the answer and need not wait for this.
      else void releaseClean(connection);
    }
  }
}

async function releaseClean(connection: DatabaseConnection): Promise<void> {
  try {
    await connection.query(CLEAN_UP);
    connection.release();
  } catch {
    connection.release(true);
  }
}

/** Of its own for each role: PostgreSQL plans a statement anew when another role comes to run it. */
function prepared({ text, values }: Plan, principal: Principal): Statement {
  return text.length > MAX_PREPARED_LENGTH
    ? { text, values }
    : { text, values, prepareAs: `${roleOf(principal)} ${text}` };
}

function toResult(row: Record<string, unknown> | undefined, estimate: Record<string, unknown> | undefined): PlanResult {
  const { body, body_bytes, row_count, total_count, affected_count } = row as unknown as PlanRow;
  if (body === null && typeof body_bytes === 'number') throw tooLarge(body_bytes);
  return {
    body,
    rowCount: Number(row_count),
    totalCount: total_count === null ? plannedRows(estimate) : Number(total_count),
    affectedCount: affected_count === null ? undefined : Number(affected_count),
  };
}

function tooLarge(bytes: number): DataError {
  return dataError('result_too_large', `The result has ${bytes} bytes, more than is answered at once.`, {
    code: '54000',
    hint: 'Ask for fewer rows, columns or embedded relations.',
  });
}

function plannedRows(estimate: Record<string, unknown> | undefined): number | undefined {
  const [explained] = (estimate?.['QUERY PLAN'] ?? []) as { Plan: { 'Plan Rows': number } }[];
  return explained?.Plan['Plan Rows'];
}
