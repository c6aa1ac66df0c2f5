export * from './doctor/index.js';
export * from './health/index.js';
export * from './http/index.js';
export * from './logs/index.js';
export * from './metrics/index.js';
