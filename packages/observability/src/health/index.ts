export { createHealth, type Health, type HealthOptions, type HealthSubject } from './health.js';
export type { ServerPhase } from './round.js';
