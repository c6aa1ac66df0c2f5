import { type CapabilityName, type Clock, type ReactorEnv, systemClock } from '@reactor/core';
import { recordingLogger } from '@reactor/testing';
import { Hono } from 'hono';
import { createMetrics, errorHandler, instrumentHttp, notFound } from '../src/index.js';
import { CAPABILITIES } from './capabilities.js';
import { familiesByLine } from './exposition.js';

/** The HTTP layer as a server composes it, with jobs and storage mounted and no route yet. */
export function createApp(clock: Clock = systemClock) {
  const { logger, lines } = recordingLogger();
  const metrics = createMetrics({ clock, logger });
  const http = instrumentHttp({ clock, logger, capabilities: CAPABILITIES });
  metrics.contribute('http', http.metrics);
  const app = new Hono<ReactorEnv>();
  app.onError(errorHandler);
  app.notFound(notFound(app));
  const fetch = http.observe(app, {
    mounts: [
      { name: 'jobs', basePath: '/jobs/v1' },
      { name: 'storage', basePath: '/storage/v1' },
    ],
  });

  /** Value of a series as a scrape shows it; undefined when there is none. */
  async function series(key: string): Promise<number | undefined> {
    const families = familiesByLine(await (await metrics.routes.request('/metrics')).text());
    for (const { samples } of families.values()) {
      const value = samples.get(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  return {
    app,
    /** For `listen`. */
    server: { fetch },
    /** As elsewhere than under Node. */
    request: async (path: string, init?: RequestInit) => fetch(new Request(new URL(path, 'http://localhost'), init)),
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
