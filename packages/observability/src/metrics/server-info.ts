import { type Clock, gauge, type MetricsContributor, metricsContributor } from '@reactor/core';

/**
 * `reactor_server_info{version}` and `reactor_process_start_time_seconds`.
 * @param version semantic version of the server
 */
export function serverInfo(version: string, clock: Clock): MetricsContributor {
  const info = gauge({
    name: 'reactor_server_info',
    help: 'Always 1; the version of the running server is in the label',
    moves: 'with an upgrade',
    unit: 'none',
    labels: { version: [version] },
    aggregator: 'first',
  });
  info.child({ version }).set(1);
  const startTime = gauge({
    name: 'reactor_process_start_time_seconds',
    help: 'Unix time at which the server process started',
    moves: 'with a restart',
    unit: 'seconds',
    aggregator: 'first',
  });
  startTime.child({}).set(clock.now() / 1000 - process.uptime());
  return metricsContributor([info, startTime]);
}
