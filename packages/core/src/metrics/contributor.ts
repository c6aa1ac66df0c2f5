import type { Metric, Registry } from 'prom-client';
import type { MetricFamily } from './family.js';

export type { Registry } from 'prom-client';

export interface MetricsContributor {
  /** Every family owned here, declared as data and not yet in any registry. */
  readonly families: readonly MetricFamily[];
  /**
   * Adds them to `registry`, all or none; several registries are fine.
   * @throws Error naming the family whose name is taken
   */
  register(registry: Registry): void;
}

/** Bundles the families of one owner. */
export function metricsContributor(families: readonly MetricFamily[]): MetricsContributor {
  return {
    families,
    register(registry) {
      for (const family of families) {
        const present = registry.getSingleMetric(family.name) as unknown;
        if (present !== undefined && present !== family) {
          throw new Error(`metric family ${family.name} is already in the registry`);
        }
      }
      // A registry asks a metric only for what MetricFamily has; its declared type is a class.
      for (const family of families) registry.registerMetric(family as unknown as Metric);
    },
  };
}
