import { type CapabilityName, type Clock, type ReactorEnv, systemClock } from '@reactor/core';
import { Hono } from 'hono';
import {
  assignCapability,
  createMetrics,
  errorHandler,
  instrumentHttp,
  notFound,
  requestContext,
} from '../src/index.js';
import { CAPABILITIES } from './capabilities.js';
import { parseExposition } from './exposition.js';
import { recordLogs } from './log-recorder.js';

/** The HTTP layer as a server composes it, with jobs and storage mounted and no route yet. */
export function createApp(clock: Clock = systemClock) {
  const { logger, lines } = recordLogs();
  const metrics = createMetrics({ clock, logger });
  const http = instrumentHttp({ clock, logger }, CAPABILITIES);
  metrics.contribute('http', http.metrics);
  const app = new Hono<ReactorEnv>();
  app.use(requestContext({ logger, peerOf: () => '127.0.0.1' }));
  app.use(
    assignCapability([
      { name: 'jobs', basePath: '/jobs/v1' },
      { name: 'storage', basePath: '/storage/v1' },
    ]),
  );
  app.use(http.middleware);
  app.onError(errorHandler);
  app.notFound(notFound(app));

  /** Value of a series as a scrape shows it; undefined when there is none. */
  async function series(key: string): Promise<number | undefined> {
    const families = parseExposition(await (await metrics.routes.request('/metrics')).text());
    for (const { samples } of families.values()) {
      const value = samples.get(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  return {
    app,
    metrics,
    series,
    lines,
    requests: (capability: CapabilityName, method: string, status: number) =>
      series(`reactor_http_requests_total{capability="${capability}",method="${method}",status="${status}"}`),
    durations: (capability: CapabilityName, route: string) =>
      series(`reactor_http_request_duration_seconds_count{capability="${capability}",route="${route}"}`),
    inFlight: (capability: CapabilityName) => series(`reactor_http_requests_in_flight{capability="${capability}"}`),
    accessLines: () => lines.filter(({ message }) => message === 'request completed'),
  };
}
