import {
  type HistogramChild,
  histogram,
  type MetricsContributor,
  metricsContributor,
  observedGauge,
  openLabel,
} from '@reactor/core';

/** Six are Reactor's own. */
const MAX_CAPABILITIES = 32;

/** Seconds. The fastest check is a look at a flag; none may take longer than the whole answer, 1 s. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

export interface HealthFamilies {
  readonly metrics: MetricsContributor;
  duration(capability: string): HistogramChild;
}

/** @param statuses the latest result of each mounted capability, from a new round when there is none */
export function healthFamilies(statuses: () => Promise<ReadonlyMap<string, boolean>>): HealthFamilies {
  // Open only to leave out what is not mounted; the values are capability names.
  const labels = { capability: openLabel(MAX_CAPABILITIES) };
  const status = observedGauge({
    name: 'reactor_health_status',
    help: 'Whether the health check of a capability passes (1) or fails (0), as GET /health shows it',
    moves: 'with the latest check',
    unit: 'none',
    labels,
    collect: async () =>
      Array.from(await statuses(), ([capability, ok]) => ({ labels: { capability }, value: ok ? 1 : 0 })),
  });
  const duration = histogram({
    name: 'reactor_health_check_duration_seconds',
    help: 'Time the health check of a capability took, its timeout when it hung',
    moves: 'once per check that ran',
    unit: 'seconds',
    labels,
    buckets: DURATION_BUCKETS,
  });
  return {
    metrics: metricsContributor([status, duration]),
    duration: (capability) => duration.child({ capability }),
  };
}
