import type { CapabilityContext, Database, DoctorProbe, HealthCheck, TokenVerifier } from '@reactor/core';
import { Attempts } from './attempts.js';
import { createClaims } from './claims.js';
import type { AuthConfig } from './config.js';
import { authHealth } from './health.js';
import { checkSigningKeys } from './key-check.js';
import type { AuthMetrics } from './metrics.js';
import { authProbes } from './probes.js';
import { createProvider } from './provider.js';
import type { Provider } from './provider-port.js';
import { Sessions } from './sessions.js';
import { SigningKeys } from './signing-keys.js';
import type { Slots } from './slots.js';
import { AuthStore } from './store.js';
import { createTokenVerifier } from './tokens.js';

/** What a tenant brings. */
export interface AuthPorts {
  readonly database: Database;
}

/** What all services of auth share. */
export interface SharedByServices extends CapabilityContext {
  readonly config: AuthConfig;
  readonly trustedOrigins: readonly string[];
  readonly metrics: AuthMetrics;
  readonly hashing: Slots;
}

/** Auth on one database. */
export interface AuthService {
  readonly store: AuthStore;
  readonly keys: SigningKeys;
  readonly provider: Provider;
  readonly sessions: Sessions;
  readonly attempts: Attempts;
  readonly tokens: TokenVerifier;
  readonly health: HealthCheck;
  readonly probes: readonly DoctorProbe[];
  /** @throws AuthKeysUnusableError when the secret is not the one the stored keys were made with */
  start(): Promise<void>;
}

/** Makes the service of one tenant. Opens nothing. */
export function createAuthService({ database }: AuthPorts, shared: SharedByServices): AuthService {
  const { config, trustedOrigins, metrics, hashing, clock, logger } = shared;
  const store = new AuthStore(database);
  const keys = new SigningKeys(database, clock, config.accessTtlSeconds);
  const claimsOf = createClaims(store, config, clock);
  const attempts = new Attempts({ metrics, clock, hashing });
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
  return {
    store,
    keys,
    provider,
    sessions: new Sessions({ config, provider, store, attempts, claimsOf, metrics }),
    attempts,
    tokens: createTokenVerifier(keys, config, clock, metrics),
    health: authHealth(database),
    probes: authProbes(config, database),
    async start() {
      if ((await checkSigningKeys(config, database)) === 0) await provider.makeFirstKey();
      await keys.reload();
    },
  };
}
