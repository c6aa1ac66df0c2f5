import {
  type Clock,
  type Database,
  type Events,
  type Logger,
  type QueryOptions,
  ReactorError,
  reasonOf,
  type StatementOptions,
  untilAborted,
  withTimeout,
} from '@reactor/core';
import { type ClientConfig, Pool, type PoolClient } from 'pg';
import { acquireUntil } from './cancel.js';
import { ReactorClient } from './client.js';
import { PooledConnection, runTransaction } from './connection.js';
import { isAcquireTimeout, isLoginRefusal, unavailable } from './errors.js';
import type { Login } from './login.js';
import type { DatabaseMetrics, PoolMetrics, PoolName } from './metrics.js';
import { createPing } from './ping.js';
import type { PingResult } from './ping-result.js';
import type { Pooler } from './pooler.js';
import { PreparedStatements } from './prepared-statements.js';
import { waitUntilReady } from './wait-until-ready.js';

/** How long `close` lets running statements finish before it cuts their connections, and handlers of events before it goes on. */
export const CLOSE_GRACE_MS = 5_000;
/** How long a scrape waits for `reactor_db_up`: the default timeout of a health check. */
const UP_TIMEOUT_MS = 500;
/** An idle connection is closed after this long; each one costs the server a process. */
const IDLE_TIMEOUT_MS = 30_000;

export interface PooledDatabaseOptions {
  readonly name: PoolName;
  readonly login: Login;
  /** Where it leads, as a URL without the password. */
  readonly description: string;
  readonly max: number;
  readonly acquireTimeoutMs: number;
  readonly pooler: Pooler;
  readonly metrics: DatabaseMetrics;
  readonly events: Events;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** The `Database` port on one pool. */
export class PooledDatabase implements Database {
  readonly events: Events;
  readonly #options: PooledDatabaseOptions;
  readonly #pool: Pool;
  readonly #metrics: PoolMetrics;
  readonly #pingServer: (signal: AbortSignal) => Promise<PingResult>;
  readonly #clients = new Set<PoolClient>();
  readonly #prepared = new WeakMap<PoolClient, PreparedStatements>();
  #reachable = true;
  #closed: Promise<void> | undefined;

  constructor(options: PooledDatabaseOptions) {
    this.#options = options;
    this.events = options.events;
    const { login, metrics, max, acquireTimeoutMs } = options;
    this.#pingServer = createPing(() => login.clientConfig);
    const pool = new Pool({
      // The login may change between two connections, so the pool's own copy of a configuration is not asked.
      Client: class extends ReactorClient {
        constructor() {
          super(login.clientConfig);
        }
      },
      verify: (client: PoolClient, done: (error?: Error) => void) => {
        this.#compareBackends(client).then(() => done(), done);
      },
      max,
      connectionTimeoutMillis: acquireTimeoutMs,
      idleTimeoutMillis: IDLE_TIMEOUT_MS,
    } as ConstructorParameters<typeof Pool>[0]);
    this.#pool = pool;
    this.#metrics = metrics.observe(options.name, {
      size: () => pool.totalCount,
      idle: () => pool.idleCount,
      waiting: () => pool.waitingCount,
      max,
      isUp: (signal) => this.#isUp(signal),
    });
    pool.on('connect', (client) => this.#adopt(client));
    pool.on('remove', (client) => this.#clients.delete(client));
    // Each client reports its own end (see #adopt); without a listener here an idle one would end the process.
    pool.on('error', () => {});
  }

  async query<Row = Record<string, unknown>>(text: string, values?: readonly unknown[], options?: StatementOptions) {
    const connection = await this.connect(options);
    try {
      return await connection.query<Row>(text, values, options);
    } finally {
      connection.release();
    }
  }

  connect({ signal }: QueryOptions = {}): Promise<PooledConnection> {
    return signal === undefined ? this.#acquire() : acquireUntil(signal, () => this.#acquire());
  }

  async transaction<T>(work: Parameters<typeof runTransaction<T>>[1]): Promise<T> {
    return runTransaction(await this.#acquire(), work);
  }

  async ping(signal: AbortSignal): Promise<PingResult> {
    try {
      if (!this.#options.login.isReady) await untilAborted(this.#options.login.prepare(), signal);
      const result = await this.#pingServer(signal);
      this.#noteReachable();
      return result;
    } catch (error) {
      this.#noteUnreachable(error);
      throw error;
    }
  }

  /** @throws DatabaseUnreachableError when `signal` aborts first, or at once for a wrong password or database name */
  waitUntilReady(signal: AbortSignal): Promise<PingResult> {
    const { description, logger } = this.#options;
    return waitUntilReady({ ping: this.#pingServer, description, logger, signal });
  }

  /** Closes every connection: idle ones at once, used ones when given back or after five seconds. Safe twice. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #acquire(): Promise<PooledConnection> {
    const { login, clock, pooler, acquireTimeoutMs } = this.#options;
    const start = clock.monotonic();
    try {
      if (!login.isReady) await login.prepare();
      const used = login.clientConfig;
      let client: PoolClient;
      try {
        client = await this.#pool.connect();
      } catch (error) {
        client = await this.#connectAgain(error, used);
      }
      return new PooledConnection(client, {
        pooler,
        prepared: this.#preparedOn(client),
        onLost: (error) => this.#noteLost(client, error),
      });
    } catch (error) {
      if (error instanceof ReactorError) throw error;
      if (isAcquireTimeout(error)) {
        this.#metrics.acquireTimedOut();
        throw unavailable(`No database connection came free within ${acquireTimeoutMs} ms.`, error);
      }
      this.#noteUnreachable(error);
      throw unavailable('The database cannot be reached.', error);
    } finally {
      this.#metrics.acquired((clock.monotonic() - start) / 1000);
    }
  }

  /** As another login, where the server turns this one away. @throws what it says otherwise */
  async #connectAgain(reason: unknown, used: ClientConfig): Promise<PoolClient> {
    const { login } = this.#options;
    if (!isLoginRefusal(reason) || !(await login.refused(reason, used))) throw reason;
    const next = login.clientConfig;
    try {
      return await this.#pool.connect();
    } catch (error) {
      return this.#connectAgain(error, next);
    }
  }

  /** The driver's time limit ends with the handshake, and a server can freeze right after it. */
  async #compareBackends(client: PoolClient): Promise<void> {
    const { acquireTimeoutMs, pooler } = this.#options;
    const timer = setTimeout(() => client.connection.stream.destroy(), acquireTimeoutMs);
    try {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const { processID } = client as unknown as { readonly processID: number | null };
      pooler.compareBackends(processID, rows[0]?.pid ?? 0);
    } finally {
      clearTimeout(timer);
    }
  }

  #preparedOn(client: PoolClient): PreparedStatements {
    let prepared = this.#prepared.get(client);
    if (prepared === undefined) {
      prepared = new PreparedStatements(this.#options.pooler);
      this.#prepared.set(client, prepared);
    }
    return prepared;
  }

  #adopt(client: PoolClient): void {
    this.#clients.add(client);
    this.#options.login.accepted();
    this.#metrics.connectionOpened();
    this.#noteReachable();
    // Also while it is checked out, where the pool does not listen: a connection may end between two statements.
    client.on('error', (error) => this.#noteLost(client, error));
  }

  /** A failed statement and the end of the socket may both tell of it. */
  #noteLost(client: PoolClient, error: unknown): void {
    if (!this.#clients.delete(client)) return;
    this.#metrics.connectionLost();
    this.#options.logger.debug('database connection lost', { reason: reasonOf(error) });
  }

  async #isUp(signal: AbortSignal): Promise<boolean> {
    try {
      await withTimeout(UP_TIMEOUT_MS, (limited) => this.ping(limited), signal);
      return true;
    } catch {
      return false;
    }
  }

  #noteReachable(): void {
    if (this.#reachable) return;
    this.#reachable = true;
    const { logger, name, description } = this.#options;
    logger.info('database reachable again', { pool: name, database: description });
  }

  #noteUnreachable(error: unknown): void {
    if (!this.#reachable || this.#closed !== undefined) return;
    this.#reachable = false;
    const { logger, name, description } = this.#options;
    logger.warn('database unreachable', { pool: name, database: description, reason: reasonOf(error) });
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
