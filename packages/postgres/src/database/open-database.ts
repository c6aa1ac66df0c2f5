import {
  type Clock,
  type Database,
  type DoctorProbe,
  type Logger,
  type MetricsContributor,
  metricsContributor,
  withTimeout,
} from '@reactor/core';
import type { ClientConfig } from 'pg';
import { createEventsMetrics } from '../events/metrics.js';
import { PostgresEvents } from '../events/postgres-events.js';
import { databaseProbes } from '../probes/database-probes.js';
import { createRequestsLogin } from '../requests-login/requests-login.js';
import { countBlockedSessions } from './blocked-sessions.js';
import { assertOneDatabase } from './identity.js';
import { configuredLogin } from './login.js';
import { createDatabaseMetrics, type DatabaseMetrics, type PoolName } from './metrics.js';
import type { PingResult } from './ping-result.js';
import { CLOSE_GRACE_MS, PooledDatabase } from './pooled-database.js';
import { Pooler, type PreparedStatementsMode } from './pooler.js';
import { sharesOf } from './shares.js';
import { parseTarget } from './target.js';

/** What every way to open a database takes. */
export interface DatabaseOptions {
  /** `postgresql://user:password@host:port/database`, or `…@/database?host=/socket/directory`. */
  readonly connectionString: string;
  /** Leads to PostgreSQL itself where `connectionString` leads to a pooler: LISTEN takes it, and `direct`. */
  readonly directConnectionString?: string | undefined;
  /** Default `auto`: statements are kept prepared until a pooler is seen. */
  readonly preparedStatements?: PreparedStatementsMode;
  /** Most connections open at a time, all pools together. Default 20. */
  readonly poolMax?: number;
  /** Milliseconds that a checkout waits for a connection. Default 5000. */
  readonly acquireTimeoutMs?: number;
  /** Milliseconds after which subscribers ask again while nothing can be listened to, on average. Default 5000. */
  readonly eventsPollMs?: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** The `Database` port on one pool, with what its operator needs. */
export interface PostgresDatabase extends Database {
  /** The `reactor_db_*` and `reactor_events_*` families. */
  readonly metrics: MetricsContributor;
  /** What the doctor asks of the connections themselves. */
  readonly probes: readonly DoctorProbe[];
  /** One connection to PostgreSQL itself, for what needs a session; present where `directConnectionString` is. */
  readonly direct?: Database;
  /** Where it leads, as a URL without the password. */
  describe(): string;
  /**
   * Pings until the database answers.
   * @throws DatabaseUnreachableError when `signal` aborts first, or at once for a wrong password or database name
   */
  waitUntilReady(signal: AbortSignal): Promise<PingResult>;
  /** @throws DatabaseRequirementError when one of the configured addresses leads to another database than the rest */
  assertOneDatabase(): Promise<void>;
  /**
   * Ends subscriptions, for whose handlers it waits five seconds at most, and closes every connection: idle ones at once,
   * used ones when given back or after five seconds. Safe twice.
   */
  close(): Promise<void>;
}

/** Two pools: callers do not take connections from the rest, and have a login that may do less. */
export interface PostgresDatabases extends PostgresDatabase {
  /** On behalf of callers. The database itself is everybody else's. */
  readonly requests: Database;
}

export interface DatabasesOptions extends DatabaseOptions {
  /** Overrides the login for requests that is made otherwise. */
  readonly requestsConnectionString?: string | undefined;
  /** Whether the server lets in every client that reaches it, as the embedded one does: then the login needs no password. */
  readonly isEmbedded: boolean;
}

const DEFAULT_POOL_MAX = 20;
/** Longer than a burst, shorter than a caller's patience. */
const DEFAULT_ACQUIRE_TIMEOUT_MS = 5_000;
/** Each gap makes data read the schema again, and the reader of a large one must not feel it. */
const DEFAULT_EVENTS_POLL_MS = 5_000;

/**
 * Opens one pool. Nothing is connected until the first use, and a database that goes away and comes back needs no help.
 * @throws Error for a connection string that cannot be parsed; its password is not repeated
 */
export function openDatabase(options: DatabaseOptions): PostgresDatabase {
  const opener = prepareToOpen(options);
  const metrics = opener.metricsOf(['system']);
  const events = opener.eventsOn(() => system);
  const system: PooledDatabase = new PooledDatabase({
    ...opener.shared,
    events,
    name: 'system',
    login: configuredLogin(opener.target.clientConfig),
    max: options.poolMax ?? DEFAULT_POOL_MAX,
    metrics,
  });
  const probes = databaseProbes({ system, ...opener.probed });
  return operated(system, {
    metrics: opener.contributorOf(metrics),
    probes,
    describe: opener.target.description,
    direct: opener.direct,
    events,
    pools: [system],
    others: opener.others,
  });
}

/**
 * The same as two pools, which share `poolMax`.
 * @throws Error for a connection string that cannot be parsed
 */
export function openDatabases(options: DatabasesOptions): PostgresDatabases {
  const opener = prepareToOpen(options);
  const { target, shared } = opener;
  const metrics = opener.metricsOf(['system', 'requests']);
  const shares = sharesOf(options.poolMax ?? DEFAULT_POOL_MAX, ['system', 'requests']);
  const events = opener.eventsOn(() => system);
  const system: PooledDatabase = new PooledDatabase({
    ...shared,
    events,
    name: 'system',
    login: configuredLogin(target.clientConfig),
    max: shares.system,
    metrics,
  });
  const { requestsConnectionString } = options;
  const own = requestsConnectionString === undefined ? undefined : parseTarget(requestsConnectionString);
  const login = createRequestsLogin({
    system,
    target,
    own,
    isEmbedded: options.isEmbedded,
    logger: options.logger,
  });
  const requests = new PooledDatabase({ ...shared, events, name: 'requests', login, max: shares.requests, metrics });
  const probes = databaseProbes({ system, requests: { database: requests, login }, ...opener.probed });
  return {
    ...operated(system, {
      metrics: opener.contributorOf(metrics),
      probes,
      describe: target.description,
      direct: opener.direct,
      events,
      pools: [requests, system],
      others: [...opener.others, ...(own === undefined ? [] : [['database.requests_url', own.clientConfig] as const])],
    }),
    requests,
  };
}

function prepareToOpen(options: DatabaseOptions) {
  const { logger, clock, acquireTimeoutMs = DEFAULT_ACQUIRE_TIMEOUT_MS, poolMax = DEFAULT_POOL_MAX } = options;
  const target = parseTarget(options.connectionString);
  const { directConnectionString, ...rest } = options;
  const directTarget = directConnectionString === undefined ? undefined : parseTarget(directConnectionString);
  const direct =
    directConnectionString === undefined
      ? undefined
      : openDatabase({ ...rest, connectionString: directConnectionString, poolMax: 1 });
  const pooler = new Pooler(options.preparedStatements ?? 'auto', logger);
  const eventsMetrics = createEventsMetrics();
  return {
    target,
    shared: { description: target.description, acquireTimeoutMs, pooler, logger, clock },
    others: directTarget === undefined ? [] : [['database.direct_url', directTarget.clientConfig] as const],
    probed: { pooler, direct, poolMax },
    direct,
    eventsOn: (database: () => Database) =>
      new PostgresEvents({
        config: (directTarget ?? target).clientConfig,
        isPooled: () => directTarget === undefined && pooler.evidence !== undefined,
        pollMs: options.eventsPollMs ?? DEFAULT_EVENTS_POLL_MS,
        database,
        metrics: eventsMetrics,
        logger,
        clock,
      }),
    contributorOf: ({ contributor }: DatabaseMetrics) =>
      metricsContributor([...contributor.families, ...eventsMetrics.families]),
    metricsOf: (pools: readonly PoolName[]) =>
      createDatabaseMetrics({ pools, blockedSessions: (signal) => countBlockedSessions(target.clientConfig, signal) }),
  };
}

interface Operation {
  readonly metrics: MetricsContributor;
  readonly probes: readonly DoctorProbe[];
  readonly describe: string;
  readonly direct: PostgresDatabase | undefined;
  readonly events: PostgresEvents;
  readonly pools: readonly PooledDatabase[];
  /** Further addresses of the configuration, by their keys. */
  readonly others: readonly (readonly [key: string, config: ClientConfig])[];
}

function operated(
  system: PooledDatabase,
  { metrics, probes, describe, direct, events, pools, others }: Operation,
): PostgresDatabase {
  return {
    query: (text, values, options) => system.query(text, values, options),
    connect: (options) => system.connect(options),
    transaction: (work) => system.transaction(work),
    ping: (signal) => system.ping(signal),
    events,
    metrics,
    probes,
    ...(direct === undefined ? {} : { direct }),
    describe: () => describe,
    waitUntilReady: (signal) => system.waitUntilReady(signal),
    assertOneDatabase: () => assertOneDatabase(system, others),
    async close() {
      await withTimeout(CLOSE_GRACE_MS, (signal) => events.close(signal));
      await Promise.all([...pools, ...(direct === undefined ? [] : [direct])].map((pool) => pool.close()));
    },
  };
}
