export { parseStorageConfig, STORAGE_BACKENDS, type StorageConfig, storageSection } from './config.js';
export { storageErrors } from './errors.js';
export { storageHealth } from './health.js';
export { createStorageMetrics, type StorageMetrics } from './metrics.js';
export { type StorageProbesOptions, storageProbes } from './probes.js';
export type { StoragePorts } from './service.js';
export { createStorage } from './storage.js';
