import {
  addHealthRoute,
  type Capability,
  type CapabilityContext,
  createRoutes,
  createServices,
  healthOfEach,
  type IsOperator,
  type PortsOrTenants,
  probesOfEach,
  type TokenVerifier,
  withContext,
} from '@reactor/core';
import { loadMigrations, packageVersion } from '@reactor/core/node';
import type { AuthConfig } from './config.js';
import { createAuthMetrics } from './metrics.js';
import { checkInput, limitAuthBody } from './routes/body.js';
import { noStore } from './routes/cache.js';
import { addKeysRoute } from './routes/keys.js';
import { addMethodNotAllowed } from './routes/method-not-allowed.js';
import { addProviderRoutes } from './routes/provider.js';
import { addSignUpRoute } from './routes/sign-up.js';
import { addTokenRoutes } from './routes/token.js';
import { addUserRoutes } from './routes/user.js';
import { type AuthPorts, type AuthService, createAuthService } from './service.js';
import { createSessionSweep } from './session-sweep.js';
import { hashingSlots } from './slots.js';

const VERSION = packageVersion(new URL('../package.json', import.meta.url));

/** The auth capability, and the port by which the others learn who calls. */
export interface Auth extends Capability {
  /** Verifies access tokens in this process, against the keys this capability signs with. */
  readonly tokens: TokenVerifier;
}

/** Who else is trusted. Without these auth trusts its own users, and pages of its own origin and of `publicUrl`. */
export interface AuthOptions {
  /** Default: nobody is, and nobody may create accounts where sign-up is closed. */
  readonly isOperator?: IsOperator;
  /** Origins of other pages that may send cookies here, exactly as a browser writes them. Default: none. */
  readonly trustedOrigins?: readonly string[];
}

/** Sign-up, sign-in, sessions, organizations and access tokens under `/auth/v1`. */
export function createAuth(
  config: AuthConfig,
  context: CapabilityContext & AuthOptions & PortsOrTenants<AuthPorts>,
): Auth {
  const { clock, logger, isOperator = () => false, trustedOrigins = [] } = context;
  const metrics = createAuthMetrics({
    activeSessions: () => services.map(({ store }) => store.countActiveSessions(new Date(clock.now()))),
    signingKeysSince: () => services.map(({ store }) => store.signingKeyCreatedAt(new Date(clock.now()))),
    clock,
  });
  const shared = { config, trustedOrigins, metrics, hashing: hashingSlots(), clock, logger };
  const services = createServices<AuthPorts, AuthService>(context, {
    make: (ports) => createAuthService(ports, shared),
    start: (service) => service.start(),
  });
  const sweep = createSessionSweep(services, { metrics, clock, logger });

  const routes = createRoutes();
  routes.use(withContext(context), noStore, limitAuthBody, checkInput);
  addKeysRoute(routes, services);
  addHealthRoute(routes, { version: VERSION, clock, healthOf: (c) => services.of(c).health });
  addSignUpRoute(routes, services, isOperator);
  addTokenRoutes(routes, services);
  addUserRoutes(routes, services, isOperator);
  addProviderRoutes(routes, services, { config, isOperator });
  addMethodNotAllowed(routes);

  return {
    name: 'auth',
    version: VERSION,
    basePath: '/auth/v1',
    // better-auth's session token, which the body of a sign-in has too.
    exposedHeaders: ['Set-Auth-Token'],
    usesCookies: true,
    routes,
    migrations: loadMigrations(new URL('../migrations/', import.meta.url)),
    metrics: metrics.contributor,
    health: healthOfEach(services, ({ health }) => health),
    get probes() {
      return probesOfEach(services, ({ probes }) => probes);
    },
    tokens: { verify: (token, c) => services.of(c).tokens.verify(token, c) },
    async start() {
      await services.start();
      sweep.start();
    },
    async stop(deadline) {
      await sweep.stop(deadline);
      await services.stop(deadline);
    },
  };
}
