import type { OpenAPIHono } from '@hono/zod-openapi';
import { type Capability, coreErrors, createRoutes, type ReactorEnv, SERVER_LABEL } from '@reactor/core';
import {
  errorHandler,
  type Fetch,
  type Health,
  type HttpInstrumentation,
  type Metrics,
  notFound,
} from '@reactor/observability';
import type { Context } from 'hono';
import { type AdminOptions, adminRoutes } from './admin/routes.js';
import type { ServerConfig } from './config/server-config.js';
import { byHost } from './http/by-host.js';
import { allowPagesOf, answerPreflights } from './http/cors.js';
import { RouterByMount } from './http/router-by-mount.js';
import { openApiRoutes } from './openapi.js';

export interface ComposeOptions extends AdminOptions {
  readonly config: ServerConfig;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly instrumentation: HttpInstrumentation;
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
    return hosts === undefined
      ? []
      : [{ claims: hosts.claims, fetch: hostApp(options, capability, hosts.routes).fetch }];
  });
  return { fetch: byHost(main.fetch, hosts), main: main.app };
}

interface SignalledApp {
  readonly app: OpenAPIHono<ReactorEnv>;
  /** The app with everything around it. */
  readonly fetch: Fetch;
}

/** What the server itself answers, then the capabilities at their mount points. */
function mainApp(options: ComposeOptions): SignalledApp {
  const { capabilities } = options;
  const signalled = appWithSignals(options, capabilities, SERVER_LABEL);
  const { app } = signalled;
  app.route('/', options.health.routes);
  app.route('/', options.metrics.routes);
  app.route('/', adminRoutes(options));
  for (const { basePath, routes } of capabilities) app.route(basePath, routes);
  if (options.ready) app.route('/', openApiRoutes(app, options.version));
  else app.all('*', refuseNotReady);
  return signalled;
}

/**
 * What the world sees on the hosts of `owner`: the other capabilities, without what is the operator's, and for every other
 * path the owner. Nothing of the server itself.
 */
function hostApp(options: ComposeOptions, owner: Capability, routes: Capability['routes']): SignalledApp {
  const others = options.capabilities.filter((capability) => capability !== owner);
  const signalled = appWithSignals(options, others, owner.name);
  const { app } = signalled;
  for (const { basePath, operatorPaths = [], routes } of others) {
    for (const path of operatorPaths) app.all(basePath + path, refuseNotFound);
    app.route(basePath, routes);
  }
  app.route('/', routes);
  return signalled;
}

/**
 * An app without routes, and what stands in front of them: who asks and under which id, whom the request counts for, what
 * it costs, and which pages may read the answer.
 * @param otherwise whom it counts for when it is below none of the mount points
 */
function appWithSignals(
  { config, instrumentation }: ComposeOptions,
  mounts: readonly Capability[],
  otherwise: string,
): SignalledApp {
  const app = createRoutes({ router: new RouterByMount(mounts.map(({ basePath }) => basePath)) });
  app.onError(errorHandler);
  app.notFound(notFound(app));
  const cors = allowPagesOf(config.corsOrigins, mounts);
  if (cors !== undefined) app.options('*', answerPreflights(cors));
  return { app, fetch: instrumentation.observe(app, { mounts, otherwise, cors }) };
}

/** In the words of every other path that does not exist, whatever the method. */
function refuseNotFound(c: Context<ReactorEnv>): never {
  throw coreErrors.create.not_found(`Nothing is at ${c.req.path}.`);
}

function refuseNotReady(): never {
  throw coreErrors.create.not_ready('The server is starting.', { headers: { 'Retry-After': '1' } });
}
