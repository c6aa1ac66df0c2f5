import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { bearerSecurity, type CapabilityName, createRoutes, errorAnswer, type ReactorEnv } from '@reactor/core';
import { createLogFeed } from './feed.js';
import type { Logging } from './logging.js';
import { LOG_PARAMETERS, parseLogQuery } from './query.js';
import { createLogStream } from './stream.js';

/** Proxies commonly cut a connection after 30 to 60 s without a byte. */
const HEARTBEAT_MS = 15_000;

export interface LogRoutesOptions {
  /** Those that are mounted, whose lines can be asked for. */
  readonly capabilities: readonly CapabilityName[];
  /** Milliseconds without a line after which a comment shows that the connection lives. Default 15 000. */
  readonly heartbeatMs?: number;
}

/**
 * `GET /_admin/logs`: the kept lines as server-sent events, then the live ones with `follow=1`. The gate in front of it
 * is the server's.
 */
export function logRoutes(logging: Logging, options: LogRoutesOptions): OpenAPIHono<ReactorEnv> {
  const { capabilities, heartbeatMs = HEARTBEAT_MS } = options;
  const feed = createLogFeed(logging.streams);
  const routes = createRoutes();
  routes.get('/_admin/logs', (c) => {
    const query = parseLogQuery(new URL(c.req.url).searchParams, { now: logging.clock.now(), capabilities });
    return c.body(createLogStream(feed, query, heartbeatMs), 200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache',
      // nginx would hold back events until its buffer is full.
      'X-Accel-Buffering': 'no',
    });
  });
  routes.openAPIRegistry.registerPath({
    method: 'get',
    path: '/_admin/logs',
    tags: ['server'],
    summary: 'Log lines as server-sent events',
    security: bearerSecurity,
    parameters: LOG_PARAMETERS.map(({ name, description }) => ({
      name,
      in: 'query',
      description,
      schema: { type: 'string' },
    })),
    responses: {
      200: {
        description: 'Events `log`, one line each; a last one, `error`, to a reader too slow.',
        content: { 'text/event-stream': { schema: z.string() } },
      },
      400: errorAnswer('invalid_request'),
    },
  });
  return routes;
}
