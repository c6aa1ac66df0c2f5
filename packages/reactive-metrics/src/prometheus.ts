export type { LongTaskTimerLayout } from './prometheus/exposure.js';
export type { LabelMismatch } from './prometheus/metric-family.js';
export type { PromClientRegistry } from './prometheus/prom-client-registry.js';
export { type PrometheusOptions, prometheusRegistry } from './prometheus/prometheus-registry.js';
