export { type FunctionsConfig, functionsSection, parseFunctionsConfig } from './config.js';
export { functionsErrors } from './errors.js';
export { createFunctions, type Functions, type FunctionsPlace } from './functions.js';
export { functionsHealth } from './health.js';
export { createFunctionsMetrics, type FunctionsMetrics } from './metrics.js';
export { type FunctionsProbesOptions, functionsProbes } from './probes.js';
export type { FunctionsPorts } from './service.js';
