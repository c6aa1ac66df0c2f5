export { type Auth, type AuthPorts, createAuth } from './auth.js';
export { type AuthConfig, authConfigSchema, parseAuthConfig } from './config.js';
export { AuthKeysUnusableError, authErrors } from './errors.js';
export { authHealth } from './health.js';
export { type AuthMetrics, authMetrics } from './metrics.js';
export { authProbes } from './probes.js';
