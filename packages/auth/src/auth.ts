import type { Capability, CapabilityContext, Database, TokenVerifier } from '@reactor/core';
import { createRoutes, withContext } from '@reactor/core';
import { loadMigrations } from '@reactor/core/node';
import { Attempts } from './attempts.js';
import { createClaims } from './claims.js';
import type { AuthConfig } from './config.js';
import { authHealth, shareHealth } from './health.js';
import { checkSigningKeys } from './key-check.js';
import { authMetrics } from './metrics.js';
import { authProbes } from './probes.js';
import { createProvider } from './provider.js';
import { checkInput, limitBody } from './routes/body.js';
import { noStore } from './routes/cache.js';
import { addPublicRoutes } from './routes/keys.js';
import type { IsOperator } from './routes/operator.js';
import { addMethodNotAllowed, addProviderRoutes } from './routes/provider.js';
import { addSignUpRoute } from './routes/sign-up.js';
import { addTokenRoutes } from './routes/token.js';
import { addUserRoutes } from './routes/user.js';
import { Sessions } from './sessions.js';
import { SigningKeys } from './signing-keys.js';
import { AuthStore } from './store.js';
import { Sweep } from './sweep.js';
import { createTokenVerifier } from './tokens.js';

const VERSION = '0.1.0';

/** The auth capability, and the port by which the others learn who calls. */
export interface Auth extends Capability {
  /** Verifies access tokens in this process, against the keys this capability signs with. */
  readonly tokens: TokenVerifier;
}

export interface AuthPorts {
  readonly database: Database;
  /** Absent: nobody may create accounts where sign-up is closed. */
  readonly isOperator?: IsOperator;
  /** Origins of other pages that may send cookies here, exactly as a browser writes them. Default: none. */
  readonly trustedOrigins?: readonly string[];
}

/** Sign-up, sign-in, sessions, organizations and access tokens under `/auth/v1`. */
export function createAuth(config: AuthConfig, context: CapabilityContext & AuthPorts): Auth {
  const { database, clock, logger, isOperator, trustedOrigins = [] } = context;
  const store = new AuthStore(database);
  const keys = new SigningKeys(database, clock, config.accessTtlSeconds);
  const metrics = authMetrics(database, clock);
  const health = authHealth(database);
  const claimsOf = createClaims(store, config, clock);
  const attempts = new Attempts(metrics, clock);
  const onTokenIssued = () => metrics.issued('session');
  const provider = createProvider({
    config,
    trustedOrigins,
    database,
    store,
    keys,
    claimsOf,
    clock,
    logger,
    onTokenIssued,
  });
  const sessions = new Sessions({ config, provider, store, attempts, claimsOf, metrics });
  const tokens = createTokenVerifier(keys, config, clock, metrics);
  const sweep = new Sweep(store, metrics, clock, logger);

  const routes = createRoutes();
  routes.use(withContext(context), noStore, limitBody, checkInput);
  addPublicRoutes(routes, { keys, checkHealth: shareHealth(health, clock), version: VERSION });
  addSignUpRoute(routes, sessions, isOperator);
  addTokenRoutes(routes, sessions);
  addUserRoutes(routes, { sessions, store, tokens, isOperator });
  addProviderRoutes(routes, { config, provider, attempts, isOperator });
  addMethodNotAllowed(routes);

  return {
    name: 'auth',
    version: VERSION,
    basePath: '/auth/v1',
    routes,
    migrations: loadMigrations(new URL('../migrations/', import.meta.url)),
    metrics,
    health,
    probes: authProbes(config, database),
    tokens,
    /** @throws AuthKeysUnusableError when the secret is not the one the stored keys were made with */
    async start() {
      if ((await checkSigningKeys(config, database)) === 0) await provider.makeFirstKey();
      await keys.reload();
      sweep.start();
    },
    stop: (deadline) => sweep.stop(deadline),
  };
}
