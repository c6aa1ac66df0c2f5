import type { MeterKind } from '../meters/meter-registry.js';

/**
 * The metric name a meter gets in Prometheus: dots and other characters Prometheus does not know become underscores,
 * letter case stays, and the unit or `_total` is appended where it is not there yet.
 */
export function metricName(meter: string, kind: MeterKind, baseUnit?: string): string {
  const base = sanitize(meter, /[^a-zA-Z0-9_:]/g);
  if (kind === 'counter') return withSuffix(base, 'total');
  if (kind === 'summary') {
    return baseUnit === undefined ? base : withSuffix(base, sanitize(baseUnit, /[^a-zA-Z0-9_]/g));
  }
  return withSuffix(base, 'seconds');
}

/**
 * The label name a tag key gets in Prometheus.
 * @throws TypeError for a name that Prometheus keeps for itself
 */
export function labelName(key: string): string {
  const label = sanitize(key, /[^a-zA-Z0-9_]/g);
  if (label === 'le' || label === 'quantile' || label.startsWith('__')) {
    throw new TypeError(`tag key "${key}" becomes the label "${label}", which Prometheus keeps for itself; rename it`);
  }
  return label;
}

/** A lone surrogate has no UTF-8 form: written out, two different ones would become the same label value. */
export function labelValue(value: string): string {
  return value.replace(/\p{Surrogate}/gu, '\ufffd');
}

function sanitize(name: string, illegal: RegExp): string {
  return name.replace(illegal, '_').replace(/^[0-9]/, '_');
}

function withSuffix(name: string, suffix: string): string {
  return name.endsWith(`_${suffix}`) ? name : `${name}_${suffix}`;
}
