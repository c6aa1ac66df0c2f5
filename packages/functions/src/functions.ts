import {
  addHealthRoute,
  authenticate,
  type Capability,
  type CapabilityContext,
  createBlobSweep,
  createRoutes,
  createServices,
  type FunctionInvoker,
  findRequest,
  healthOfEach,
  MAX_BODY_BYTES,
  type OwnedServices,
  type PortsOrTenants,
  probesOfEach,
  type ServiceTokens,
  withContext,
} from '@reactor/core';
import { loadMigrations, packageVersion } from '@reactor/core/node';
import type { FunctionsConfig } from './config.js';
import { createFunctionsMetrics } from './metrics.js';
import { addDeploymentRoutes } from './routes/deployments.js';
import { addEnvironmentRoutes } from './routes/environment.js';
import { addFunctionRoutes } from './routes/functions.js';
import { addInvokeRoutes } from './routes/invoke.js';
import { type BunRuntime, findBun, prepareBun } from './runtime/bun.js';
import { FunctionRuntime } from './runtime/runtime.js';
import { createFunctionsService, type FunctionsPorts, type FunctionsService } from './service.js';

const VERSION = packageVersion(new URL('../package.json', import.meta.url));

/** Where functions keep what can be made again. */
export interface FunctionsPlace {
  /** Absolute; nobody else's. Bundles are unpacked below it. */
  readonly cacheDirectory: string;
  /** Where functions reach the server, `env.REACTOR_URL`. */
  readonly url?: string | undefined;
}

/** The capability, and what it is for others. */
export interface Functions extends Capability, FunctionInvoker {
  readonly serviceTokens: ServiceTokens;
}

/** Request handlers under `/fn/v1`, in processes of their own. */
export function createFunctions(
  config: FunctionsConfig,
  context: CapabilityContext & FunctionsPlace & PortsOrTenants<FunctionsPorts>,
): Functions {
  const { clock, cacheDirectory, url, logger, maxBodyBytes = MAX_BODY_BYTES } = context;
  const metrics = createFunctionsMetrics();
  const binary = findBun();
  let prepared: Promise<BunRuntime> | undefined;
  const bun = () => {
    prepared ??= prepareBun(binary, cacheDirectory, logger).catch((error) => {
      // A doctor may be asked again once it is repaired.
      prepared = undefined;
      throw error;
    });
    return prepared;
  };
  const runtime = new FunctionRuntime({ ...config, bun, metrics, logger, clock });
  const services: OwnedServices<FunctionsService> = createServices<FunctionsPorts, FunctionsService>(context, {
    make: (ports) => createFunctionsService(ports, { config, metrics, clock, logger, runtime, binary, bun, url }),
    start: (service) => service.start(),
    stop: (service) => service.stop(),
  });
  const sweeping = createBlobSweep({
    services,
    sweeperOf: ({ sweeper }) => sweeper,
    metrics: metrics.sweeps,
    logger: logger.target('reactor_functions::sweeper'),
  });

  const routes = createRoutes();
  routes.use(withContext(context));
  addHealthRoute(routes, { version: VERSION, clock, healthOf: (c) => services.of(c).health });
  routes.use(
    '/_admin/*',
    authenticate((c) => services.of(c).tokens),
  );
  routes.use('/_admin/functions/:name/*', async (c, next) => {
    await next();
    // The next call here sees it, without waiting for the event.
    services.of(c).catalogue.forget(c.req.param('name'));
  });
  addFunctionRoutes(routes, services, maxBodyBytes);
  addDeploymentRoutes(routes, services, maxBodyBytes);
  addEnvironmentRoutes(routes, services, maxBodyBytes);
  addInvokeRoutes(routes, services, clock);

  return {
    name: 'functions',
    version: VERSION,
    basePath: '/fn/v1',
    operatorPaths: ['/_admin/*'],
    exposedHeaders: ['X-Reactor-Function', 'X-Reactor-Cold-Start', 'X-Reactor-Duration-Ms'],
    routes,
    invoke({ name, request, requestId, principal, signal }, c) {
      const { pathname, search } = new URL(request.url);
      const target = pathname + search;
      const authorize = async () => principal;
      return services.of(c).invoker.invoke({
        name,
        request,
        target,
        requestId,
        signal,
        authorize,
        cut: () => false,
        onStarted() {},
      });
    },
    serviceTokens: {
      verify: (token, c) => services.of(c).serviceTokens.verify(token, c && findRequest(c)?.requestId),
    },
    migrations: loadMigrations(new URL('../migrations/', import.meta.url)),
    metrics: metrics.contributor,
    health: healthOfEach(services, ({ health }) => health),
    get probes() {
      return probesOfEach(services, ({ probes }) => probes);
    },
    async start() {
      await runtime.start();
      await services.start();
      sweeping.start();
    },
    async stop(deadline) {
      await sweeping.stop(deadline);
      await services.stop(deadline);
      await runtime.stop(deadline);
    },
  };
}
