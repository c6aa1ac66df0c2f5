import type { Events } from './events.js';
import type { Queryable, QueryOptions, QueryResult } from './queryable.js';

/** One statement of a pipeline. */
export interface Statement {
  readonly text: string;
  /** Parameters `$1…$n` in PostgreSQL's text form. */
  readonly values?: readonly (string | null)[];
  /**
   * Keeps the statement prepared on the connection and reuses it for the same key. Of a key the text never changes; the
   * least recently used statements are given up.
   */
  readonly prepareAs?: string;
}

/** A checked-out connection. */
export interface DatabaseConnection extends Queryable {
  /** Process id that the server named at login. Behind a pooler it is not `pg_backend_pid()`. */
  readonly processId?: number | undefined;
  /**
   * Sends several statements at once and waits for all of them: one round trip. Outside of a transaction they are one:
   * all of them take effect, or none. The first error is thrown, and the statements after it do not run.
   */
  pipeline(
    statements: readonly Statement[],
    options?: QueryOptions,
  ): Promise<readonly QueryResult<Record<string, unknown>>[]>;
  /** Gives the connection back; with `broken` it is closed instead. */
  release(broken?: boolean): void;
}

/**
 * PostgreSQL, through a pool.
 * @throws ReactorError `database_unavailable` (503) when no connection is available within the acquire timeout, or the
 *   server is down. SQL errors pass unchanged, with the SQLSTATE in `code`.
 */
export interface Database extends Queryable {
  /** When the signal aborts before a connection is there, the call rejects with its reason. */
  connect(options?: QueryOptions): Promise<DatabaseConnection>;
  /** Runs `work` between BEGIN and COMMIT; rolls back when it rejects. */
  transaction<T>(work: (connection: Queryable) => Promise<T>): Promise<T>;
  /**
   * One round trip on a connection of its own that gives up when `signal` aborts, so that a check stays within its
   * timeout even when the server hangs and the pool is exhausted.
   */
  ping(signal: AbortSignal): Promise<{ readonly version: string }>;
  /** Between all who have this database open. Anybody in it may publish, too: `NOTIFY reactor_events, '<subject>'`. */
  readonly events: Events;
}
