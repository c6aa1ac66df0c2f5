import { type CounterChild, counter, type MetricsContributor, metricsContributor, observedGauge } from '@reactor/core';

/**
 * The `reactor_db_embedded_*` families of one embedded server.
 * @param isUp read at scrape time
 */
export function embeddedPostgresMetrics(isUp: () => boolean): {
  readonly contributor: MetricsContributor;
  readonly restarts: CounterChild;
} {
  const restarts = counter({
    name: 'reactor_db_embedded_restarts_total',
    help: 'Restarts of the embedded PostgreSQL after it died',
    moves: 'once per attempt to bring it back',
    unit: 'none',
  });
  const up = observedGauge({
    name: 'reactor_db_embedded_up',
    help: 'Whether the embedded PostgreSQL process runs and has finished starting: 1 or 0',
    moves: 'when the process dies and when it is back',
    unit: 'none',
    collect: () => (isUp() ? 1 : 0),
  });
  return { contributor: metricsContributor([restarts, up]), restarts: restarts.child({}) };
}
