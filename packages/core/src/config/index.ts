export * from './config-error.js';
export { knownInstead, type SectionProblem } from './problems.js';
export * from './secrets.js';
export * from './section.js';
export * from './tables.js';
