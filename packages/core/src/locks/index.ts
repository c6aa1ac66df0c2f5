export * from './describe.js';
export * from './lock-waits.js';
export * from './lock-watch.js';
export * from './probe.js';
export * from './retry.js';
export * from './short-query.js';
