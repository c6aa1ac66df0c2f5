export { parseStorageConfig, type StorageConfig, storageSection } from './config.js';
export { storageErrors } from './errors.js';
export { storageHealth } from './health.js';
export { createStorageMetrics, type StorageMetrics } from './metrics.js';
export { type StorageProbesOptions, storageProbes } from './probes.js';
export { createStorage, type StoragePorts } from './storage.js';
