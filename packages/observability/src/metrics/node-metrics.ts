import type { MetricsContributor } from '@reactor/core';

/** `process_*` and `nodejs_*`: CPU, memory, garbage collection, event loop lag, file descriptors. */
export function nodeMetrics(): MetricsContributor {
  throw new Error('not built yet');
}
