import type { MetricsContributor } from '@reactor/core';
import { collectDefaultMetrics } from 'prom-client';

/** Gauges whose names end in `_total`, which `promtool check metrics` rightly refuses; their labelled twins stay. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

/** `process_*` and `nodejs_*`: CPU, memory, garbage collection, event loop lag, file descriptors. */
export function nodeMetrics(): MetricsContributor {
  return {
    // prom-client declares these itself, at registration.
    families: [],
    register(registry) {
      collectDefaultMetrics({ register: registry });
      for (const name of MISNAMED) registry.removeSingleMetric(name);
    },
  };
}
