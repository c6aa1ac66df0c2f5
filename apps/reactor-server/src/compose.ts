import type { HttpBindings } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { coreErrors, createRoutes, limitBody, type ReactorEnv } from '@reactor/core';
import {
  type AnswerHeaders,
  assignCapability,
  errorHandler,
  type Health,
  type HttpInstrumentation,
  type Metrics,
  notFound,
  requestContext,
} from '@reactor/observability';
import { type AdminOptions, adminRoutes } from './admin/routes.js';
import type { ServerConfig } from './config/server-config.js';
import { allowPagesOf } from './http/cors.js';
import type { ProgressWatch } from './http/progress.js';
import { openApiRoutes } from './openapi.js';

export interface ComposeOptions extends AdminOptions {
  readonly config: ServerConfig;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly instrumentation: HttpInstrumentation;
  readonly progress: ProgressWatch;
  readonly answerHeaders: AnswerHeaders;
  /** False until the capabilities are there: every path of theirs answers `not_ready` until then. */
  readonly ready: boolean;
}

/**
 * The whole app, outermost first: who asks and under which id, what it costs, what every server answers, then the
 * capabilities at their mount points.
 */
export function compose(options: ComposeOptions): OpenAPIHono<ReactorEnv> {
  const { config, capabilities, logging } = options;
  const app = createRoutes();
  app.onError(errorHandler);
  app.notFound(notFound(app));
  app.use(
    requestContext({
      logger: logging.logger('reactor_server'),
      peerOf: (c) => (c.env as unknown as HttpBindings | undefined)?.incoming?.socket.remoteAddress,
      trustedProxies: config.trustedProxies,
      headers: options.answerHeaders,
    }),
    assignCapability(capabilities),
    options.instrumentation.middleware,
    options.progress.middleware,
  );
  if (config.corsOrigins.length > 0) app.use(allowPagesOf(config.corsOrigins));
  const limit = limitBody(config.maxBodyBytes);
  // A body of these is read by nobody, and so limited by none of the routes.
  app.use((c, next) => (c.req.method === 'GET' || c.req.method === 'HEAD' ? limit(c, next) : next()));
  app.route('/', options.health.routes);
  app.route('/', options.metrics.routes);
  app.route('/', adminRoutes(options));
  for (const { basePath, routes } of capabilities) app.route(basePath, routes);
  if (options.ready) app.route('/', openApiRoutes(app, options.version));
  else app.all('*', refuseNotReady);
  return app;
}

function refuseNotReady(): never {
  throw coreErrors.create.not_ready('The server is starting.', { headers: { 'Retry-After': '1' } });
}
