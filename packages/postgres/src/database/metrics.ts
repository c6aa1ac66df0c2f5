import { counter, histogram, type MetricsContributor, metricsContributor, observedGauge } from '@reactor/core';

/** What a scrape reads from the pool. */
export interface PoolState {
  size(): number;
  idle(): number;
  waiting(): number;
  readonly max: number;
  /** Whether the server answers now; settles within the time a collector has. */
  isUp(signal: AbortSignal): Promise<boolean>;
}

export interface DatabaseMetrics {
  readonly contributor: MetricsContributor;
  acquired(durationSeconds: number): void;
  acquireTimedOut(): void;
  connectionOpened(): void;
  connectionLost(): void;
}

/**
 * 1 ms to 5 s: an idle connection is handed out within the first bucket, and the last one is the default acquire
 * timeout, so that +Inf holds the time-outs.
 */
const ACQUIRE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** The `reactor_db_*` families of one pool. */
export function createDatabaseMetrics(pool: PoolState): DatabaseMetrics {
  const duration = histogram({
    name: 'reactor_db_acquire_duration_seconds',
    help: 'Time from asking the pool for a connection to having one or giving up',
    moves: 'once per checkout, including those that time out',
    unit: 'seconds',
    buckets: ACQUIRE_BUCKETS,
  });
  const timeouts = counter({
    name: 'reactor_db_acquire_timeouts_total',
    help: 'Checkouts that got no connection within database.acquire_timeout_secs',
    moves: 'once per checkout that times out',
    unit: 'none',
  });
  const opened = counter({
    name: 'reactor_db_connections_opened_total',
    help: 'Connections the pool has opened',
    moves: 'once per connection that is ready for use',
    unit: 'none',
  });
  const lost = counter({
    name: 'reactor_db_connections_lost_total',
    help: 'Pooled connections that ended without being closed by the pool',
    moves: 'once per connection that the server or the network ends',
    unit: 'none',
  });
  const families = [
    observedGauge({
      name: 'reactor_db_up',
      help: 'Whether the database answers a query on a new connection: 1 or 0',
      moves: 'when a scrape asks',
      unit: 'none',
      aggregator: 'max',
      collect: async (signal) => ((await pool.isUp(signal)) ? 1 : 0),
    }),
    observedGauge({
      name: 'reactor_db_pool_size',
      help: 'Open connections of the pool, idle ones included, read from the pool',
      moves: 'when a scrape asks',
      unit: 'none',
      collect: () => pool.size(),
    }),
    observedGauge({
      name: 'reactor_db_pool_idle',
      help: 'Open connections that nobody uses, read from the pool',
      moves: 'when a scrape asks',
      unit: 'none',
      collect: () => pool.idle(),
    }),
    observedGauge({
      name: 'reactor_db_pool_max',
      help: 'Most connections the pool may open (database.pool_max)',
      moves: 'when the configuration changes',
      unit: 'none',
      collect: () => pool.max,
    }),
    observedGauge({
      name: 'reactor_db_pool_waiting',
      help: 'Checkouts waiting for a connection to come free, read from the pool',
      moves: 'when a scrape asks',
      unit: 'none',
      collect: () => pool.waiting(),
    }),
    duration,
    timeouts,
    opened,
    lost,
  ];
  return {
    contributor: metricsContributor(families),
    acquired: (seconds) => duration.child({}).observe(seconds),
    acquireTimedOut: () => timeouts.child({}).inc(),
    connectionOpened: () => opened.child({}).inc(),
    connectionLost: () => lost.child({}).inc(),
  };
}
