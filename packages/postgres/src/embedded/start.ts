import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, CounterChild, Logger, MetricsContributor } from '@reactor/core';
import { RestartBackoff, type SocketDirectory } from '@reactor/processes';
import { choosePostgresAccount } from './account.js';
import { locateBinaries, usableBinaries } from './binaries.js';
import { ensureDataDirectory, SUPERUSER } from './data-directory.js';
import { EmbeddedPostgresError } from './errors.js';
import { prepareHome } from './home.js';
import { embeddedPostgresMetrics } from './metrics.js';
import { clearWayFor } from './orphan.js';
import { Postmaster } from './postmaster.js';
import { preparePostgresSockets } from './sockets.js';

export interface EmbeddedPostgresOptions {
  /** An existing folder, locked by the caller (`lockStateDirectory`). */
  readonly stateDirectory: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A PostgreSQL of our own, kept running until `stop`. */
export interface EmbeddedPostgres {
  readonly connectionString: string;
  readonly dataDirectory: string;
  /** As PostgreSQL names it: `18.4`. */
  readonly version: string;
  /** The `reactor_db_embedded_*` families. */
  readonly metrics: MetricsContributor;
  /**
   * Fast shutdown. It is killed, which the next start recovers from, when `deadline` aborts, but not within the first
   * 5 s. Safe twice.
   */
  stop(deadline: AbortSignal): Promise<void>;
}

const RESTART_BACKOFF = { firstMs: 100, maxMs: 30_000, healthyAfterMs: 60_000 };
/** Backends of a killed postmaster notice within moments; meanwhile a new one is refused their shared memory. */
const IN_USE_PATIENCE_MS = 10_000;

/**
 * Starts PostgreSQL on `<stateDirectory>/postgres`, creating the data directory on first use, and restarts it when it
 * dies. It listens on a Unix socket only and ends with this process, also when that is killed.
 * @throws EmbeddedPostgresError with a code and a remedy
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const stateDirectory = resolve(options.stateDirectory);
  const { clock } = options;
  const logger = options.logger.target('reactor_postgres');
  const account = await choosePostgresAccount(`${stateDirectory}/postgres/data`);
  const binaries = await usableBinaries(await locateBinaries(), account, logger);
  const home = await prepareHome(stateDirectory, account, logger);
  const start = clock.monotonic();
  const { dataDirectory, created } = await ensureDataDirectory(home, binaries, account);
  if (created) {
    logger.info('created the database', { directory: dataDirectory, duration_ms: clock.monotonic() - start });
  }
  // Before anything of a server that runs there is touched.
  await clearWayFor(dataDirectory, logger);
  const sockets = await preparePostgresSockets(home, account);
  const launch = () =>
    new Postmaster({ postgres: binaries.postgres, dataDirectory, socketDirectory: sockets.path, account, logger });
  const supervised = new SupervisedPostgres({
    dataDirectory,
    version: binaries.version,
    sockets,
    launch,
    logger,
    clock,
  });
  await supervised.start();
  return supervised;
}

interface SupervisedOptions {
  readonly dataDirectory: string;
  readonly version: string;
  readonly sockets: SocketDirectory;
  readonly launch: () => Postmaster;
  readonly logger: Logger;
  readonly clock: Clock;
}

class SupervisedPostgres implements EmbeddedPostgres {
  readonly connectionString: string;
  readonly dataDirectory: string;
  readonly version: string;
  readonly metrics: MetricsContributor;
  readonly #options: SupervisedOptions;
  readonly #restarts: CounterChild;
  readonly #stopping = new AbortController();
  #current: Postmaster | undefined;
  #up = false;
  #loop: Promise<void> | undefined;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    this.dataDirectory = options.dataDirectory;
    this.version = options.version;
    this.connectionString = `postgresql://${SUPERUSER}@/postgres?host=${encodeURIComponent(options.sockets.path)}`;
    const { contributor, restarts } = embeddedPostgresMetrics(() => this.#up);
    this.#restarts = restarts;
    this.metrics = contributor;
  }

  async start(): Promise<void> {
    const { clock, logger } = this.#options;
    const start = clock.monotonic();
    for (;;) {
      try {
        await this.#launch();
        break;
      } catch (error) {
        const inUse = error instanceof EmbeddedPostgresError && error.code === 'data_directory_in_use';
        if (!inUse || clock.monotonic() - start > IN_USE_PATIENCE_MS) {
          await this.#options.sockets.remove();
          throw error;
        }
        await delay(RESTART_BACKOFF.firstMs);
      }
    }
    logger.info('PostgreSQL started', {
      version: this.version,
      directory: this.dataDirectory,
      duration_ms: clock.monotonic() - start,
    });
    this.#loop = this.#keepRunning();
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await this.#current?.stop(deadline);
    await this.#loop;
    await this.#options.sockets.remove();
  }

  async #launch(): Promise<void> {
    await clearWayFor(this.dataDirectory, this.#options.logger);
    if (this.#stopping.signal.aborted) return;
    this.#current = this.#options.launch();
    await this.#current.ready;
    this.#up = true;
  }

  /** Ends when `stop` was called and the last run is over. */
  async #keepRunning(): Promise<void> {
    const { logger, clock } = this.#options;
    const { signal } = this.#stopping;
    const backoff = new RestartBackoff({ ...RESTART_BACKOFF, clock });
    for (;;) {
      const how = await this.#current?.exited;
      this.#up = false;
      if (signal.aborted) return;
      const { delayMs, attempt } = backoff.ended();
      logger.error('PostgreSQL died; restarting', { how, delay_ms: delayMs, attempt });
      await delay(delayMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      this.#restarts.inc();
      backoff.started();
      try {
        await this.#launch();
        backoff.started();
        if (this.#up) logger.info('PostgreSQL is back', { attempt });
      } catch (error) {
        logger.error('PostgreSQL did not come back', { error });
      }
    }
  }
}
