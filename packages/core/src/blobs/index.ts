export * from './blob-store.js';
export * from './blob-sweep.js';
export * from './blobs-below.js';
export * from './errors.js';
export * from './sql-ledger.js';
export * from './sweep-metrics.js';
export * from './sweeper.js';
