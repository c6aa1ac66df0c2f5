import { type Capability, createRoutes } from '@reactor/core';
import { type DoctorReport, doctorRoutes, type Logging, logRoutes } from '@reactor/observability';
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
    c.get('logger').info('shutdown requested');
    shutdown();
    return c.json({ status: 'stopping' }, 202);
  });
  return routes;
}
