import { z } from '@hono/zod-openapi';
import { bearerSecurity, type Capability, createRoutes, type DoctorReport, jsonAnswer, requestOf } from '@reactor/core';
import { doctorRoutes, type Logging, logRoutes } from '@reactor/observability';
import type { AdminGate } from './gate.js';
import { type MigrationActions, migrateRoute } from './migrate.js';

export interface AdminOptions {
  readonly gate: AdminGate;
  readonly logging: Logging;
  readonly version: string;
  readonly capabilities: readonly Capability[];
  readonly diagnose: (signal: AbortSignal) => Promise<DoctorReport>;
  /** Undefined while the server starts. */
  readonly migrations?: MigrationActions;
  readonly shutdown: () => void;
}

/** Everything under `/_admin`, behind the gate. */
export function adminRoutes(options: AdminOptions) {
  const { version, capabilities, shutdown } = options;
  const routes = createRoutes();
  routes.use('/_admin/*', options.gate.guard);
  routes.use('/_admin/*', async (c, next) => {
    await next();
    // The log stream brings its own.
    if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store');
  });
  routes.route('/', doctorRoutes(options.diagnose));
  routes.route('/', logRoutes(options.logging, { capabilities: options.capabilities.map(({ name }) => name) }));

  routes.get('/_admin/version', (c) =>
    c.json({
      reactor: version,
      capabilities: Object.fromEntries(capabilities.map((capability) => [capability.name, capability.version])),
    }),
  );

  migrateRoute(routes, options.migrations);

  routes.post('/_admin/shutdown', (c) => {
    requestOf(c).logger.info('shutdown requested');
    shutdown();
    return c.json({ status: 'stopping' }, 202);
  });
  routes.openAPIRegistry.registerPath({
    method: 'get',
    path: '/_admin/version',
    tags: ['server'],
    summary: 'Versions of the server and of its capabilities',
    security: bearerSecurity,
    responses: {
      200: jsonAnswer('Both.', z.object({ reactor: z.string(), capabilities: z.record(z.string(), z.string()) })),
    },
  });
  routes.openAPIRegistry.registerPath({
    method: 'post',
    path: '/_admin/shutdown',
    tags: ['server'],
    summary: 'Stop the server, as SIGTERM does',
    security: bearerSecurity,
    responses: { 202: jsonAnswer('It stops.', z.object({ status: z.literal('stopping') })) },
  });
  return routes;
}
