import type { Database, DatabaseConnection } from '@reactor/core';
import {
  CamelCasePlugin,
  type CompiledQuery,
  type DatabaseConnection as DialectConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import { PassingStorage } from './passing-storage.js';

/** The first thing the database said no to while some work ran. */
interface Outcome {
  failure?: unknown;
}

const outcome = new PassingStorage<Outcome>();

/**
 * Runs `work` and returns its result and the first database error on the way. better-auth turns some of
 * those into answers about something else (an outage into "not signed in"), so the caller must look here first.
 */
export async function watchDatabase<T>(work: () => Promise<T>): Promise<{ result: Promise<T>; failure?: unknown }> {
  const seen: Outcome = {};
  const result = outcome.run(seen, work);
  await result.catch(() => {});
  return 'failure' in seen ? { result, failure: seen.failure } : { result };
}

/** better-auth's query builder on the pool that the whole server shares; snake_case in the tables, camelCase above. */
export function createKysely(database: Database): Kysely<unknown> {
  return new Kysely<unknown>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new PortDriver(database),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
    plugins: [new CamelCasePlugin({ maintainNestedObjectKeys: true })],
  });
}

class PortDriver implements Driver {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PortConnection> {
    return new PortConnection(await noteFailure(this.#database.connect()));
  }

  beginTransaction(connection: PortConnection): Promise<void> {
    return connection.command('BEGIN');
  }

  commitTransaction(connection: PortConnection): Promise<void> {
    return connection.command('COMMIT');
  }

  rollbackTransaction(connection: PortConnection): Promise<void> {
    return connection.command('ROLLBACK');
  }

  async releaseConnection(connection: PortConnection): Promise<void> {
    connection.release();
  }

  /** The pool belongs to the caller that passed it in. */
  async destroy(): Promise<void> {}
}

class PortConnection implements DialectConnection {
  readonly #connection: DatabaseConnection;
  #broken = false;

  constructor(connection: DatabaseConnection) {
    this.#connection = connection;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows, rowCount } = await noteFailure(this.#connection.query<Row>(query.sql, query.parameters));
    return { rows, numAffectedRows: BigInt(rowCount) };
  }

  streamQuery(): never {
    throw new Error('better-auth does not stream');
  }

  async command(sql: 'BEGIN' | 'COMMIT' | 'ROLLBACK'): Promise<void> {
    try {
      await noteFailure(this.#connection.query(sql));
    } catch (error) {
      // Whether a transaction is still open is unknown; nobody else may get this connection.
      this.#broken = true;
      throw error;
    }
  }

  release(): void {
    this.#connection.release(this.#broken);
  }
}

async function noteFailure<T>(pending: Promise<T>): Promise<T> {
  try {
    return await pending;
  } catch (error) {
    const seen = outcome.getStore();
    // What follows the first error in a transaction says only that there was one.
    if (seen !== undefined && !('failure' in seen)) seen.failure = error;
    throw error;
  }
}
