/** The part of prom-client's `Registry` that is used here; one of any content type fits. */
export interface PromClientRegistry {
  readonly contentType: string;
  registerMetric(metric: unknown): void;
  getSingleMetric(name: string): unknown;
}
