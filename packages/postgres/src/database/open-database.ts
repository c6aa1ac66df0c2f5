import {
  type Clock,
  type Database,
  type Logger,
  type MetricsContributor,
  reasonOf,
  type Subscription,
} from '@reactor/core';
import { Pool, type PoolClient } from 'pg';
import { PooledConnection, runTransaction } from './connection.js';
import { isAcquireTimeout, unavailable } from './errors.js';
import { createListen } from './listen.js';
import { createDatabaseMetrics } from './metrics.js';
import { createPing, type PingResult } from './ping.js';
import { PreparedStatements } from './prepared-statements.js';
import { parseTarget } from './target.js';
import { waitUntilReady } from './wait-until-ready.js';

export interface DatabaseOptions {
  /** `postgresql://user:password@host:port/database`, or `…@/database?host=/socket/directory`. */
  readonly connectionString: string;
  /** Most connections open at a time. Default 20. */
  readonly poolMax?: number;
  /** Milliseconds that a checkout waits for a connection. Default 5000. */
  readonly acquireTimeoutMs?: number;
  /** Milliseconds after which the server cancels a statement. Default: none, as a pooler in between may refuse it. */
  readonly statementTimeoutMs?: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** The `Database` port on one pool, with what its operator needs. */
export interface PostgresDatabase extends Database {
  /** The `reactor_db_*` families of this pool. */
  readonly metrics: MetricsContributor;
  /** Where it leads, as a URL without the password. */
  describe(): string;
  /**
   * Pings until the database answers.
   * @throws DatabaseUnreachableError when `signal` aborts first, or at once for a wrong password or database name
   */
  waitUntilReady(signal: AbortSignal): Promise<PingResult>;
  /** Closes every connection: idle ones at once, used ones when given back or after five seconds. Safe twice. */
  close(): Promise<void>;
}

/** How long `close` lets running statements finish before it cuts their connections. */
const CLOSE_GRACE_MS = 5_000;
/** How long a scrape waits for `reactor_db_up`: the default timeout of a health check. */
const UP_TIMEOUT_MS = 500;
/** An idle connection is closed after this long; each one costs the server a process. */
const IDLE_TIMEOUT_MS = 30_000;

/**
 * Opens a pool. Nothing is connected until the first use, and a database that goes away and comes back needs no help.
 * @throws Error for a connection string that cannot be parsed; its password is not repeated
 */
export function openDatabase(options: DatabaseOptions): PostgresDatabase {
  return new PooledDatabase(options);
}

class PooledDatabase implements PostgresDatabase {
  readonly metrics: MetricsContributor;
  readonly #pool: Pool;
  readonly #metrics: ReturnType<typeof createDatabaseMetrics>;
  readonly #ping: (signal: AbortSignal) => Promise<PingResult>;
  readonly #description: string;
  readonly #acquireTimeoutMs: number;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #clients = new Set<PoolClient>();
  readonly #prepared = new WeakMap<PoolClient, PreparedStatements>();
  readonly #listen: Database['listen'];
  #reachable = true;
  #closed: Promise<void> | undefined;

  constructor(options: DatabaseOptions) {
    const { poolMax = 20, acquireTimeoutMs = 5_000, statementTimeoutMs } = options;
    const target = parseTarget(options.connectionString);
    this.#description = target.description;
    this.#acquireTimeoutMs = acquireTimeoutMs;
    this.#logger = options.logger;
    this.#clock = options.clock;
    this.#ping = createPing(target.clientConfig);
    this.#listen = createListen(target.clientConfig, options.logger);
    const pool = new Pool({
      ...target.clientConfig,
      ...(statementTimeoutMs === undefined ? {} : { statement_timeout: statementTimeoutMs }),
      max: poolMax,
      connectionTimeoutMillis: acquireTimeoutMs,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
    });
    this.#pool = pool;
    this.#metrics = createDatabaseMetrics({
      size: () => pool.totalCount,
      idle: () => pool.idleCount,
      waiting: () => pool.waitingCount,
      max: poolMax,
      isUp: (signal) => this.#isUp(signal),
    });
    this.metrics = this.#metrics.contributor;
    pool.on('connect', (client) => this.#adopt(client));
    pool.on('remove', (client) => this.#clients.delete(client));
    // Each client reports its own end (see #adopt); without a listener here an idle one would end the process.
    pool.on('error', () => {});
  }

  async query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]) {
    const connection = await this.#acquire();
    try {
      return await connection.query<Row>(text, values);
    } finally {
      connection.release();
    }
  }

  connect(): Promise<PooledConnection> {
    return this.#acquire();
  }

  async transaction<T>(work: Parameters<typeof runTransaction<T>>[1]): Promise<T> {
    return runTransaction(await this.#acquire(), work);
  }

  async ping(signal: AbortSignal): Promise<PingResult> {
    try {
      const result = await this.#ping(signal);
      this.#noteReachable();
      return result;
    } catch (error) {
      this.#noteUnreachable(error);
      throw error;
    }
  }

  listen(channel: string, onNotification: (payload: string | undefined) => void): Subscription {
    return this.#listen(channel, onNotification);
  }

  describe(): string {
    return this.#description;
  }

  waitUntilReady(signal: AbortSignal): Promise<PingResult> {
    return waitUntilReady({ ping: this.#ping, description: this.#description, logger: this.#logger, signal });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #acquire(): Promise<PooledConnection> {
    const start = this.#clock.monotonic();
    try {
      const client = await this.#pool.connect();
      return new PooledConnection(client, this.#preparedOn(client), (error) => this.#noteLost(client, error));
    } catch (error) {
      if (isAcquireTimeout(error)) {
        this.#metrics.acquireTimedOut();
        throw unavailable(`No database connection came free within ${this.#acquireTimeoutMs} ms.`, error);
      }
      this.#noteUnreachable(error);
      throw unavailable('The database cannot be reached.', error);
    } finally {
      this.#metrics.acquired((this.#clock.monotonic() - start) / 1000);
    }
  }

  #preparedOn(client: PoolClient): PreparedStatements {
    let prepared = this.#prepared.get(client);
    if (prepared === undefined) {
      prepared = new PreparedStatements();
      this.#prepared.set(client, prepared);
    }
    return prepared;
  }

  #adopt(client: PoolClient): void {
    this.#clients.add(client);
    this.#metrics.connectionOpened();
    this.#noteReachable();
    // Also while it is checked out, where the pool does not listen: a connection may end between two statements.
    client.on('error', (error) => this.#noteLost(client, error));
  }

  /** A failed statement and the end of the socket may both tell of it. */
  #noteLost(client: PoolClient, error: unknown): void {
    if (!this.#clients.delete(client)) return;
    this.#metrics.connectionLost();
    this.#logger.debug('database connection lost', { reason: reasonOf(error) });
  }

  async #isUp(signal: AbortSignal): Promise<boolean> {
    const controller = new AbortController();
    const giveUp = () => controller.abort();
    const timer = setTimeout(giveUp, UP_TIMEOUT_MS);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await this.ping(controller.signal);
      return true;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }

  #noteReachable(): void {
    if (this.#reachable) return;
    this.#reachable = true;
    this.#logger.info('database reachable again', { database: this.#description });
  }

  #noteUnreachable(error: unknown): void {
    if (!this.#reachable || this.#closed !== undefined) return;
    this.#reachable = false;
    this.#logger.warn('database unreachable', { database: this.#description, reason: reasonOf(error) });
  }

  async #close(): Promise<void> {
    const cut = () => {
      for (const client of this.#clients) client.connection.stream.destroy();
    };
    const timer = setTimeout(cut, CLOSE_GRACE_MS);
    const ended = Array.from(this.#clients, (client) => new Promise<void>((resolve) => client.once('end', resolve)));
    await this.#pool.end();
    await Promise.all(ended);
    clearTimeout(timer);
  }
}
