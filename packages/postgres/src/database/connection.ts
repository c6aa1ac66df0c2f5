import type {
  CancelSignal,
  DatabaseConnection,
  Queryable,
  QueryOptions,
  QueryResult,
  Statement,
  StatementOptions,
} from '@reactor/core';
import pg, { type PoolClient } from 'pg';
import { cancelWhen } from './cancel.js';
import { isConnectionFailure, translateQueryError } from './errors.js';
import { runPipeline } from './pipeline.js';
import type { Pooler } from './pooler.js';
import type { PreparedStatements } from './prepared-statements.js';

/**
 * What another client of the pooler may have left on the server connection, taken back for one transaction. Names of
 * ours are written with their schema, so the path must only be one that nobody else chose.
 */
const CLEAN_SESSION = `SELECT set_config('role', 'none', true), set_config('search_path', 'public, pg_temp', true),
  set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)`;

/** What a connection needs to know of its pool. */
export interface ConnectionContext {
  readonly pooler: Pooler;
  readonly prepared: PreparedStatements;
  readonly onLost: (error: unknown) => void;
}

interface Answer {
  readonly rows?: readonly unknown[];
  readonly rowCount: number | null;
  /** Of SQL: `COMMIT`. */
  readonly command?: string;
}

/** A checked-out client, speaking the terms of the `Database` port. */
export class PooledConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  readonly #context: ConnectionContext;
  #released = false;
  #broken = false;

  /** A cancel that arrives late must not hit the next statement on the connection. */
  readonly #onCancel = () => {
    this.#broken = true;
  };

  constructor(client: PoolClient, context: ConnectionContext) {
    this.#client = client;
    this.#context = context;
  }

  get processId(): number | undefined {
    return (this.#client as unknown as { readonly processID: number | null }).processID ?? undefined;
  }

  async query<Row = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: StatementOptions,
  ): Promise<QueryResult<Row>> {
    const { rows, rowCount } = await this.run(text, values, options);
    return { rows: (rows ?? []) as Row[], rowCount: rowCount ?? 0 };
  }

  /** Several statements in one text give the result of the last one. */
  run(text: string, values?: readonly unknown[], options?: StatementOptions): Promise<Answer> {
    return this.#attempt(() => this.#send(text, values, options?.prepareAs), options?.signal);
  }

  pipeline(
    statements: readonly Statement[],
    options?: QueryOptions,
  ): Promise<readonly QueryResult<Record<string, unknown>>[]> {
    return this.#attempt(() => this.#sendPipeline(statements), options?.signal);
  }

  /** Where a statement is gone, or another has its name, nothing of the transaction was done: it is sent once more. */
  #sendPipeline(statements: readonly Statement[]) {
    const { prepared } = this.#context;
    const isWhole = this.#client.getTransactionStatus() === 'I';
    return runPipeline(this.#client, prepared, statements, async (error) => {
      this.#context.pooler.noteNameClash(error);
      if (!isWhole) throw error;
      // It may have begun one itself; the driver knows once the server is ready again.
      await this.#client.query('ROLLBACK');
    });
  }

  async #send(text: string, values: readonly unknown[] | undefined, prepareAs: string | undefined): Promise<Answer> {
    // The session is ours alone, or it was cleaned when the transaction began.
    const isClean = this.#context.pooler.evidence === undefined || this.#client.getTransactionStatus() !== 'I';
    if (isClean && (values === undefined || prepareAs === undefined)) {
      return lastOf(await this.#client.query(text, values as unknown[] | undefined));
    }
    // Several statements at once are one transaction, which BEGIN goes on with.
    if (values === undefined) return lastOf(await this.#client.query(`${CLEAN_SESSION}; ${text}`));
    const statement = { text, values: values.map(toText), ...(prepareAs === undefined ? {} : { prepareAs }) };
    return lastOf(await this.#sendPipeline(isClean ? [statement] : [{ text: CLEAN_SESSION }, statement]));
  }

  async #attempt<T>(work: () => Promise<T>, signal?: CancelSignal): Promise<T> {
    if (this.#released) throw new Error('the connection was given back to the pool; check out another one');
    if (signal?.aborted) throw signal.reason;
    const stop = signal && cancelWhen(signal, this.#client, this.#onCancel);
    try {
      const result = await work();
      // Also where the answer was quicker than the cancel: the connection is closed all the same.
      if (signal?.aborted) throw signal.reason;
      return result;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      // The server's last words arrive before the end of the socket; given back now, it would fail the next one too.
      if (isConnectionFailure(error)) {
        this.#broken = true;
        this.#context.onLost(error);
      }
      throw translateQueryError(error);
    } finally {
      stop?.();
    }
  }

  release(broken = false): void {
    if (this.#released) return;
    this.#released = true;
    // A transaction left open would go on inside the next request that gets this connection.
    const status = this.#client.getTransactionStatus();
    this.#client.release(broken || this.#broken || status === 'T' || status === 'E');
  }
}

function lastOf(result: unknown): Answer {
  return (Array.isArray(result) ? result.at(-1) : result) as Answer;
}

/** As the driver writes values. Bytes stay bytes, which its messages take as well as text. */
function toText(value: unknown): string | null {
  const { prepareValue } = (pg as unknown as { utils: { prepareValue(value: unknown): string | null } }).utils;
  return prepareValue(value);
}

/** Runs `work` between BEGIN and COMMIT on `connection` and gives it back. */
export async function runTransaction<T>(
  connection: PooledConnection,
  work: (connection: Queryable) => Promise<T>,
): Promise<T> {
  let open = true;
  const guarded: Queryable = {
    query: async (text, values, options) => {
      if (!open) throw new Error('the transaction has ended; await every query inside it');
      return connection.query(text, values, options);
    },
  };
  let broken = false;
  try {
    await connection.run('BEGIN');
    const result = await work(guarded);
    open = false;
    // PostgreSQL answers COMMIT of a failed transaction with a rollback, and no error.
    if ((await connection.run('COMMIT')).command === 'ROLLBACK') {
      throw new Error('the transaction was rolled back: a statement in it failed and its error was swallowed');
    }
    return result;
  } catch (error) {
    open = false;
    await connection.run('ROLLBACK').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    connection.release(broken);
  }
}
