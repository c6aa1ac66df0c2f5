export { type OtelOptions, otelRegistry } from './opentelemetry/otel-registry.js';
export { tracingHandler } from './opentelemetry/tracing-handler.js';
