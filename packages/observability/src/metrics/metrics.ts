import {
  type CapabilityContext,
  type MetricFamily,
  type MetricsContributor,
  metricsContributor,
  type ReactorEnv,
  type Registry,
} from '@reactor/core';
import type { Hono } from 'hono';
import { Registry as PromRegistry } from 'prom-client';
import { metricsRoutes } from './routes.js';
import { scrapeFamilies } from './scrape-families.js';
import { seriesDropped } from './series-dropped.js';

/** The one registry of a process, and the route that serves it. */
export interface Metrics {
  /** A prom-client registry; metrics an application registers here appear in the same scrape. */
  readonly registry: Registry;
  /**
   * Adds the families of `owner`, all or none.
   * @param owner shown when a name is taken: `jobs`, `http`
   * @throws Error naming the family and both owners
   */
  contribute(owner: string, contributor: MetricsContributor): void;
  /** `GET /metrics` */
  readonly routes: Hono<ReactorEnv>;
}

/** Creates a registry that holds nothing but the scrape's own families, and its route. */
export function createMetrics(context: CapabilityContext): Metrics {
  const registry: Registry = new PromRegistry();
  const owners = new Map<string, string>();
  const scrape = scrapeFamilies();

  function contribute(owner: string, contributor: MetricsContributor): void {
    // Into a registry of its own first, so that a taken name leaves ours as it was.
    const staged: Registry = new PromRegistry();
    contributor.register(staged);
    const metrics = staged.getMetricsAsArray().map(({ name }) => ({ name, metric: staged.getSingleMetric(name) }));
    for (const { name, metric } of metrics) {
      const present = registry.getSingleMetric(name);
      if (present === undefined || present === metric) continue;
      const holder = owners.get(name) ?? 'the application';
      throw new Error(`metric family ${name} of ${owner} is already registered by ${holder}`);
    }
    for (const { name, metric } of metrics) {
      if (metric === undefined || owners.has(name)) continue;
      registry.registerMetric(metric);
      owners.set(name, owner);
    }
  }

  contribute('scrape', scrape.metrics);
  const dropped = seriesDropped(() => registry.getMetricsAsArray() as unknown as MetricFamily[]);
  contribute('scrape', metricsContributor([dropped]));
  return { registry, contribute, routes: metricsRoutes(registry, scrape, context) };
}
