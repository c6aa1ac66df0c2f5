import type { DatabaseConnection, Queryable, QueryResult, Statement } from '@reactor/core';
import type { PoolClient } from 'pg';
import { isConnectionFailure, translateQueryError } from './errors.js';
import { runPipeline } from './pipeline.js';
import type { PreparedStatements } from './prepared-statements.js';

/** A checked-out client, speaking the terms of the `Database` port. */
export class PooledConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  readonly #prepared: PreparedStatements;
  readonly #onLost: (error: unknown) => void;
  #released = false;
  #broken = false;

  constructor(client: PoolClient, prepared: PreparedStatements, onLost: (error: unknown) => void) {
    this.#client = client;
    this.#prepared = prepared;
    this.#onLost = onLost;
  }

  async query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>> {
    const { rows, rowCount } = await this.run(text, values);
    return { rows: (rows ?? []) as Row[], rowCount: rowCount ?? 0 };
  }

  /** Several statements in one text give the result of the last one. */
  async run(text: string, values?: readonly unknown[]) {
    const result: unknown = await this.#attempt(() => this.#client.query(text, values as unknown[] | undefined));
    return (Array.isArray(result) ? result.at(-1) : result) as {
      rows?: unknown[];
      rowCount: number | null;
      command: string;
    };
  }

  async pipeline(statements: readonly Statement[]): Promise<readonly QueryResult<Record<string, unknown>>[]> {
    const results = await this.#attempt(() => runPipeline(this.#client, this.#prepared, statements));
    return results;
  }

  async #attempt<T>(work: () => Promise<T>): Promise<T> {
    if (this.#released) throw new Error('the connection was given back to the pool; check out another one');
    try {
      return await work();
    } catch (error) {
      // The server's last words arrive before the end of the socket; given back now, it would fail the next one too.
      if (isConnectionFailure(error)) {
        this.#broken = true;
        this.#onLost(error);
      }
      throw translateQueryError(error);
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

/** Runs `work` between BEGIN and COMMIT on `connection` and gives it back. */
export async function runTransaction<T>(
  connection: PooledConnection,
  work: (connection: Queryable) => Promise<T>,
): Promise<T> {
  let open = true;
  const guarded: Queryable = {
    query: async (text, values) => {
      if (!open) throw new Error('the transaction has ended; await every query inside it');
      return connection.query(text, values);
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
