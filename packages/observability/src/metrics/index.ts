export { createMetrics, type Metrics } from './metrics.js';
export { nodeMetrics } from './node-metrics.js';
export { serverInfo } from './server-info.js';
