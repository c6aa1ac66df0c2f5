export * from './clock.js';
export * from './database.js';
export * from './events.js';
export * from './functions.js';
export * from './logger.js';
export * from './peer.js';
export * from './queryable.js';
export * from './tokens.js';
