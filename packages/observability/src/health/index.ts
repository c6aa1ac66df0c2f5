export { createHealth, type Health, type HealthOptions, type HealthSubject, type ServerPhase } from './health.js';
