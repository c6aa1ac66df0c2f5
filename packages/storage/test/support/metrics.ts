import type { MetricsContributor } from '@reactor/core';

/**
 * The value of one series, by the name of its sample: `name` or `name{label="value"}`, labels in declared order. Reads
 * only families whose names the series begins with: others may be unreadable in a test of faults.
 */
export async function sample(metrics: MetricsContributor, series: string): Promise<number> {
  const seen: string[] = [];
  for (const family of metrics.families.filter(({ name }) => series.startsWith(name))) {
    for (const { metricName = family.name, labels, value } of (await family.get()).values) {
      const pairs = Object.entries(labels).map(([name, label]) => `${name}="${label}"`);
      const name = pairs.length === 0 ? metricName : `${metricName}{${pairs.join(',')}}`;
      if (name === series) return value;
      seen.push(name);
    }
  }
  throw new Error(`no series ${series}; there are ${seen.join(' ')}`);
}
