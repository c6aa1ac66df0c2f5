import type { HttpBindings } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { type Capability, coreErrors, createRoutes, limitBody, type ReactorEnv, SERVER_LABEL } from '@reactor/core';
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
import type { Context } from 'hono';
import { type AdminOptions, adminRoutes } from './admin/routes.js';
import type { ServerConfig } from './config/server-config.js';
import { byHost } from './http/by-host.js';
import { allowPagesOf } from './http/cors.js';
import type { Fetch } from './http/listener.js';
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

/** What answers requests. */
export interface Composition {
  readonly fetch: Fetch;
  /** What answers where no capability claims the host. */
  readonly main: OpenAPIHono<ReactorEnv>;
}

/** The whole server: by host, what a capability shows on hosts of its own, or everything. */
export function compose(options: ComposeOptions): Composition {
  const main = mainApp(options);
  const hosts = options.capabilities.flatMap((capability) => {
    const { hosts } = capability;
    return hosts === undefined ? [] : [{ claims: hosts.claims, app: hostApp(options, capability, hosts.routes) }];
  });
  return { fetch: byHost(main, hosts), main };
}

/** What the server itself answers, then the capabilities at their mount points. */
function mainApp(options: ComposeOptions): OpenAPIHono<ReactorEnv> {
  const { capabilities } = options;
  const app = appWithSignals(options, capabilities, SERVER_LABEL);
  app.route('/', options.health.routes);
  app.route('/', options.metrics.routes);
  app.route('/', adminRoutes(options));
  for (const { basePath, routes } of capabilities) app.route(basePath, routes);
  if (options.ready) app.route('/', openApiRoutes(app, options.version));
  else app.all('*', refuseNotReady);
  return app;
}

/**
 * What the world sees on the hosts of `owner`: the other capabilities, without what is the operator's, and for every other
 * path the owner. Nothing of the server itself.
 */
function hostApp(options: ComposeOptions, owner: Capability, routes: Capability['routes']): OpenAPIHono<ReactorEnv> {
  const others = options.capabilities.filter((capability) => capability !== owner);
  const app = appWithSignals(options, others, owner.name);
  for (const { basePath, operatorPaths = [], routes } of others) {
    for (const path of operatorPaths) app.all(basePath + path, refuseNotFound);
    app.route(basePath, routes);
  }
  app.route('/', routes);
  return app;
}

/**
 * What comes before every route, outermost first: who asks and under which id, whom the request counts for, what it costs.
 * @param otherwise whom it counts for when it is below none of the mount points
 */
function appWithSignals(
  options: ComposeOptions,
  mounts: readonly Capability[],
  otherwise: string,
): OpenAPIHono<ReactorEnv> {
  const { config } = options;
  const app = createRoutes();
  app.onError(errorHandler);
  app.notFound(notFound(app));
  app.use(
    requestContext({
      logger: options.logging.logger('reactor_server'),
      peerOf: (c) => (c.env as unknown as HttpBindings | undefined)?.incoming?.socket.remoteAddress,
      trustedProxies: config.trustedProxies,
      headers: options.answerHeaders,
    }),
    assignCapability(mounts, otherwise),
    options.instrumentation.middleware,
    options.progress.middleware,
  );
  if (config.corsOrigins.length > 0) app.use(allowPagesOf(config.corsOrigins, mounts));
  const limit = limitBody(config.maxBodyBytes);
  // A body of these is read by nobody, and so limited by none of the routes.
  app.use((c, next) => (c.req.method === 'GET' || c.req.method === 'HEAD' ? limit(c, next) : next()));
  return app;
}

/** In the words of every other path that does not exist, whatever the method. */
function refuseNotFound(c: Context<ReactorEnv>): never {
  throw coreErrors.create.not_found(`Nothing is at ${c.req.path}.`);
}

function refuseNotReady(): never {
  throw coreErrors.create.not_ready('The server is starting.', { headers: { 'Retry-After': '1' } });
}
