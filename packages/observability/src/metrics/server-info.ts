import type { Clock, MetricsContributor } from '@reactor/core';

/** `reactor_server_info{version}` and `reactor_process_start_time_seconds`. */
export function serverInfo(_version: string, _clock: Clock): MetricsContributor {
  throw new Error('not built yet');
}
