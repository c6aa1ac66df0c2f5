export type { AccessEntry, AccessLog } from './access-log.js';
export { createLogging } from './create-logging.js';
export type { LogStreamSource } from './feed.js';
export { type LogFilter, parseFilter } from './filter.js';
export { createAccessLog } from './logger.js';
export type { LogFormat, Logging, LoggingOptions } from './logging.js';
export type { LogRecord, LogRing } from './ring.js';
export { type LogRoutesOptions, logRoutes } from './routes.js';
