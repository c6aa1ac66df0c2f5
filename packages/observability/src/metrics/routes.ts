import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { type CapabilityContext, createBreathe, createRoutes, type ReactorEnv, type Registry } from '@reactor/core';
import { renderExposition } from './exposition.js';
import type { ScrapeFamilies } from './scrape-families.js';
import { collectorTimeoutMs } from './scrape-timeout.js';
import { type MetricSource, takeSnapshot } from './snapshot.js';
import { textFormat } from './text-format.js';

/** `GET /metrics`: a snapshot of every family, then its rendering. */
export function metricsRoutes(
  registry: Registry,
  scrape: ScrapeFamilies,
  { clock, logger }: CapabilityContext,
): OpenAPIHono<ReactorEnv> {
  const format = textFormat;
  const own = new Set(scrape.metrics.families.map(({ name }) => name));
  const routes = createRoutes();
  routes.get('/metrics', async (c) => {
    const breathe = createBreathe();
    const sources = (registry.getMetricsAsArray() as unknown as MetricSource[]).filter(({ name }) => !own.has(name));
    const timeoutMs = collectorTimeoutMs(c.req.header('X-Prometheus-Scrape-Timeout-Seconds'));
    const { families, outcomes } = await takeSnapshot(sources, { clock, logger, timeoutMs, breathe });
    const body = await renderExposition([...families, ...(await scrape.read(outcomes))], format, breathe);
    return c.body(body, 200, { 'Content-Type': format.contentType, 'Cache-Control': 'no-store' });
  });
  routes.openAPIRegistry.registerPath({
    method: 'get',
    path: '/metrics',
    tags: ['server'],
    summary: 'Every metric, for Prometheus',
    responses: {
      200: { description: 'The text format 0.0.4.', content: { 'text/plain': { schema: z.string() } } },
    },
  });
  return routes;
}
