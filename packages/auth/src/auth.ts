import type { Capability, CapabilityContext, Database, TokenVerifier } from '@reactor/core';
import { coreErrors, createRoutes, metricsContributor, withContext } from '@reactor/core';
import { loadMigrations } from '@reactor/core/node';
import type { AuthConfig } from './config.js';
import { authHealth } from './health.js';

/** The auth capability, and the port by which the others learn who calls. */
export interface Auth extends Capability {
  /** Verifies access tokens in this process, against the keys this capability signs with. */
  readonly tokens: TokenVerifier;
}

/** Sign-up, sign-in, sessions, organizations and access tokens under `/auth/v1`. */
export function createAuth(_config: AuthConfig, context: CapabilityContext & { readonly database: Database }): Auth {
  const routes = createRoutes();
  routes.use(withContext(context));
  return {
    name: 'auth',
    version: '0.1.0',
    basePath: '/auth/v1',
    routes,
    migrations: loadMigrations(new URL('../migrations/', import.meta.url)),
    metrics: metricsContributor([]),
    health: authHealth(context.database),
    probes: [],
    tokens: {
      async verify() {
        throw coreErrors.create.invalid_token('The access token is not valid.');
      },
    },
    async start() {},
    async stop() {},
  };
}
