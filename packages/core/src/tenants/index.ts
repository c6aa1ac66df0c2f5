export * from './checks.js';
export * from './open-tenants.js';
export * from './services.js';
export * from './tenant.js';
export * from './tenants.js';
