import type { MetricFamily } from './metric-family.js';
import type { PromClientRegistry } from './prom-client-registry.js';
import { metricName } from './prometheus-name.js';

/** A family of any kind of meter. */
export type AnyFamily = MetricFamily<unknown>;

// Registered, so that two copies of this package find each other's families in one prom-client registry. The families
// are kept there and nowhere else: all holders of the registry share them, and clearing it removes them.
const FAMILY = Symbol.for('@reactor/reactive-metrics.prometheus-family');

/**
 * The family of the meters called `meterName` that `target` shows, of whatever kind. Looked up under the names it could
 * have: a scan would make many names cost their square.
 */
export function findFamily(target: PromClientRegistry, meterName: string, baseUnit?: string): AnyFamily | undefined {
  return KINDS.flatMap((kind) => metricName(meterName, kind, baseUnit))
    .flatMap((name) => [name, `${name}_active_count`])
    .map((name) => metricOf(target, name)?.[FAMILY])
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
  for (const wanted of family.metrics.flatMap((metric) => metric.sampleNames())) {
    const owner = ownerOf(target, wanted);
    if (owner === undefined) continue;
    const { [FAMILY]: other } = owner;
    const by = other === undefined ? 'a metric registered elsewhere' : `the ${other.kind} "${other.meterName}"`;
    throw new TypeError(
      `meter "${family.meterName}" needs the Prometheus name "${wanted}", which ${by} has; rename one`,
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

function metricOf(target: PromClientRegistry, name: string): ForeignMetric | undefined {
  return target.getSingleMetric(name) as ForeignMetric | undefined;
}

/** The metric that has samples called `name`: its own name, what is appended to it, or a counter without `_total`. */
function ownerOf(target: PromClientRegistry, name: string): ForeignMetric | undefined {
  const base = name.replace(/_(count|sum|bucket|gcount|gsum|total)$/, '');
  return [name, base, `${name}_total`]
    .map((candidate) => metricOf(target, candidate))
    .find((metric) => metric !== undefined && sampleNames(metric).includes(name));
}

function sampleNames(metric: ForeignMetric): string[] {
  if (typeof metric.sampleNames === 'function') return metric.sampleNames();
  const { name, type } = metric;
  if (type === 'counter') return [name, name.replace(/_total$/, '')];
  if (type === 'summary') return [name, `${name}_count`, `${name}_sum`];
  if (type === 'histogram') return [name, `${name}_count`, `${name}_sum`, `${name}_bucket`];
  return [name];
}

const KINDS = ['counter', 'timer', 'summary', 'longTaskTimer'] as const;
