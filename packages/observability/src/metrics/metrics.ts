import type { CapabilityContext, MetricsContributor, ReactorEnv, Registry } from '@reactor/core';
import type { Hono } from 'hono';

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

/** Creates an empty registry with its scrape route. */
export function createMetrics(_context: CapabilityContext): Metrics {
  throw new Error('not built yet');
}
