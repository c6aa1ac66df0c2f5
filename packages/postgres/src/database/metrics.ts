import { counter, histogram, type MetricsContributor, metricsContributor, observedGauge } from '@reactor/core';

/** `system`: capabilities and the operator. `requests`: on behalf of callers. `jobs`: the dispatcher. */
export type PoolName = 'system' | 'requests' | 'jobs';

/** What a scrape reads from one pool. */
export interface PoolState {
  size(): number;
  idle(): number;
  waiting(): number;
  readonly max: number;
  /** Whether the server answers this pool's login now; settles within the time a collector has. */
  isUp(signal: AbortSignal): Promise<boolean>;
}

/** What one pool tells as it happens. */
export interface PoolMetrics {
  acquired(durationSeconds: number): void;
  acquireTimedOut(): void;
  connectionOpened(): void;
  connectionLost(): void;
}

export interface DatabaseMetrics {
  readonly contributor: MetricsContributor;
  /** Adds a pool, one of the names that the families were made for. */
  observe(pool: PoolName, state: PoolState): PoolMetrics;
}

/**
 * 1 ms to 5 s: an idle connection is handed out within the first bucket, and the last one is the default acquire
 * timeout, so that +Inf holds the time-outs.
 */
const ACQUIRE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export interface DatabaseMetricsOptions {
  readonly pools: readonly PoolName[];
  /** Sessions that wait for a lock. Rejects when the server does not say within the time a collector has. */
  readonly blockedSessions: (signal: AbortSignal) => Promise<number>;
}

/** The `reactor_db_*` families of these pools, and of the database that they lead to. */
export function createDatabaseMetrics({ pools, blockedSessions }: DatabaseMetricsOptions): DatabaseMetrics {
  const labels = { pool: pools };
  const states = new Map<PoolName, PoolState>();
  const each = (read: (state: PoolState) => number) =>
    Array.from(states, ([pool, state]) => ({ labels: { pool }, value: read(state) }));
  const duration = histogram({
    name: 'reactor_db_acquire_duration_seconds',
    help: 'Time from asking the pool for a connection to having one or giving up',
    moves: 'once per checkout, including those that time out',
    unit: 'seconds',
    labels,
    buckets: ACQUIRE_BUCKETS,
  });
  const timeouts = counter({
    name: 'reactor_db_acquire_timeouts_total',
    help: 'Checkouts that got no connection within database.acquire_timeout_secs',
    moves: 'once per checkout that times out',
    unit: 'none',
    labels,
  });
  const opened = counter({
    name: 'reactor_db_connections_opened_total',
    help: 'Connections the pool has opened',
    moves: 'once per connection that is ready for use',
    unit: 'none',
    labels,
  });
  const lost = counter({
    name: 'reactor_db_connections_lost_total',
    help: 'Pooled connections that ended without being closed by the pool',
    moves: 'once per connection that the server or the network ends',
    unit: 'none',
    labels,
  });
  const families = [
    observedGauge({
      name: 'reactor_db_up',
      help: "Whether the database answers a query of the pool's login on a new connection: 1 or 0",
      moves: 'when a scrape asks',
      unit: 'none',
      labels,
      aggregator: 'max',
      collect: (signal) =>
        Promise.all(
          Array.from(states, async ([pool, state]) => ({
            labels: { pool },
            value: (await state.isUp(signal)) ? 1 : 0,
          })),
        ),
    }),
    observedGauge({
      name: 'reactor_db_blocked_sessions',
      help: 'Sessions of this database that wait for a lock of another one, read from pg_locks',
      moves: 'when a scrape asks',
      unit: 'none',
      // Every server asks the same database.
      aggregator: 'max',
      collect: blockedSessions,
    }),
    observedGauge({
      name: 'reactor_db_pool_size',
      help: 'Open connections of the pool, idle ones included, read from the pool',
      moves: 'when a scrape asks',
      unit: 'none',
      labels,
      collect: () => each((state) => state.size()),
    }),
    observedGauge({
      name: 'reactor_db_pool_idle',
      help: 'Open connections that nobody uses, read from the pool',
      moves: 'when a scrape asks',
      unit: 'none',
      labels,
      collect: () => each((state) => state.idle()),
    }),
    observedGauge({
      name: 'reactor_db_pool_max',
      help: 'Most connections the pool may open: its share of database.pool_max',
      moves: 'when the configuration changes',
      unit: 'none',
      labels,
      collect: () => each((state) => state.max),
    }),
    observedGauge({
      name: 'reactor_db_pool_waiting',
      help: 'Checkouts waiting for a connection to come free, read from the pool',
      moves: 'when a scrape asks',
      unit: 'none',
      labels,
      collect: () => each((state) => state.waiting()),
    }),
    duration,
    timeouts,
    opened,
    lost,
  ];
  return {
    contributor: metricsContributor(families),
    observe(pool, state) {
      states.set(pool, state);
      const series = { pool };
      return {
        acquired: (seconds) => duration.child(series).observe(seconds),
        acquireTimedOut: () => timeouts.child(series).inc(),
        connectionOpened: () => opened.child(series).inc(),
        connectionLost: () => lost.child(series).inc(),
      };
    },
  };
}
