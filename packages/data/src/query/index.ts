export type * from './ast.js';
export * from './limits.js';
export * from './query-error.js';
export * from './request.js';
export { MAX_ROWS, parseRows, type RowsBody } from './rows.js';
