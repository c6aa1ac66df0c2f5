export type * from '../doctor-report.js';
export * from './printable.js';
export * from './render-doctor.js';
export * from './words.js';
