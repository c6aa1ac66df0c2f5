export { type Auth, type AuthOptions, createAuth } from './auth.js';
export { type AuthConfig, authSection, parseAuthConfig } from './config.js';
export { AuthKeysUnusableError, authErrors } from './errors.js';
export { authHealth } from './health.js';
export { type AuthMetrics, type AuthSources, createAuthMetrics } from './metrics.js';
export { authProbes } from './probes.js';
export type { AuthPorts } from './service.js';
