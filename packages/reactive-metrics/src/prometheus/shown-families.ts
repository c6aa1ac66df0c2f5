import type { ExposedMetric } from './exposed-metric.js';
import type { MetricFamily } from './metric-family.js';
import type { PromClientRegistry } from './prom-client-registry.js';

/** A family of any kind of meter. */
export type AnyFamily = MetricFamily<unknown>;

// Registered, so that two copies of this package find each other's families in one prom-client registry. The families
// are kept there and nowhere else: whoever holds the registry shares them, whoever clears it is rid of them.
const FAMILY = Symbol.for('@reactor/reactive-metrics.prometheus-family');

/** The family of the meters called `meterName` that `target` shows. */
export function findFamily(target: PromClientRegistry, meterName: string): AnyFamily | undefined {
  return metricsOf(target)
    .map(familyOf)
    .find((family) => family?.meterName === meterName);
}

/** Whether `target` still shows this very family. */
export function isShown(target: PromClientRegistry, family: AnyFamily): boolean {
  const [first] = family.metrics;
  return first !== undefined && target.getSingleMetric(first.name) === first;
}

/**
 * Adds a family's metrics to `target`, all or none.
 * @throws TypeError when a name that one of its samples would have is taken
 */
export function showFamily(target: PromClientRegistry, family: AnyFamily): void {
  const wanted = new Set(family.metrics.flatMap((metric) => metric.sampleNames()));
  for (const other of metricsOf(target)) {
    const taken = sampleNames(other).find((name) => wanted.has(name));
    if (taken === undefined) continue;
    const owner = familyOf(other);
    const by = owner === undefined ? 'a metric registered by somebody else' : `the ${owner.kind} "${owner.meterName}"`;
    throw new TypeError(
      `meter "${family.meterName}" needs the Prometheus name "${taken}", which ${by} has; rename one`,
    );
  }
  for (const metric of family.metrics) {
    Object.defineProperty(metric, FAMILY, { value: family });
    target.registerMetric(metric);
  }
}

interface ForeignMetric {
  readonly name: string;
  readonly type?: string;
  readonly sampleNames?: () => string[];
  readonly [FAMILY]?: AnyFamily;
}

function metricsOf(target: PromClientRegistry): ForeignMetric[] {
  return target.getMetricsAsArray() as ForeignMetric[];
}

function familyOf(metric: ForeignMetric): AnyFamily | undefined {
  return metric[FAMILY];
}

function sampleNames(metric: ForeignMetric | ExposedMetric): string[] {
  if (typeof metric.sampleNames === 'function') return metric.sampleNames();
  const { name, type } = metric;
  if (type === 'counter') return [name, name.replace(/_total$/, '')];
  if (type === 'summary') return [name, `${name}_count`, `${name}_sum`];
  if (type === 'histogram') return [name, `${name}_count`, `${name}_sum`, `${name}_bucket`];
  return [name];
}
