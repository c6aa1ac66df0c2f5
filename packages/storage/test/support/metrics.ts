import type { MetricsContributor } from '@reactor/core';

/** The value of one series, by the name of its sample: `name` or `name{label="value"}`, labels in declared order. */
export async function sample(metrics: MetricsContributor, series: string): Promise<number> {
  const found = await samples(metrics);
  const value = found.get(series);
  if (value === undefined) throw new Error(`no series ${series}; there are ${[...found.keys()].join(' ')}`);
  return value;
}

/** All series of all families. */
export async function samples(metrics: MetricsContributor): Promise<Map<string, number>> {
  const all = new Map<string, number>();
  for (const family of metrics.families) {
    for (const { metricName = family.name, labels, value } of (await family.get()).values) {
      const pairs = Object.entries(labels).map(([name, label]) => `${name}="${label}"`);
      all.set(pairs.length === 0 ? metricName : `${metricName}{${pairs.join(',')}}`, value);
    }
  }
  return all;
}
