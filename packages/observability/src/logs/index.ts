export { createLogging } from './create-logging.js';
export { type LogFilter, parseFilter } from './filter.js';
export type { LogFormat, Logging, LoggingOptions } from './logging.js';
export type { LogRecord, LogRing } from './ring.js';
export { logRoutes } from './routes.js';
