import type { MetricFamily, MetricsContributor } from '@reactor/core';

/** The samples of one family, as a scrape reads them: `name` or `name{label="value"}`, labels in declared order, to their values. */
export async function samplesOf(contributor: MetricsContributor, name: string): Promise<Record<string, number>> {
  const family = contributor.families.find((each: MetricFamily) => each.name === name);
  if (family === undefined) throw new Error(`there is no family ${name}`);
  const { values } = await family.get();
  return Object.fromEntries(
    values.map(({ labels, value, metricName = name }) => {
      const pairs = Object.entries(labels).map(([key, label]) => `${key}="${label}"`);
      return [pairs.length === 0 ? metricName : `${metricName}{${pairs.join(',')}}`, value];
    }),
  );
}

/** The value of one series, by the name of its sample. Reads only families whose names it begins with: others may be out of order. */
export async function sample(contributor: MetricsContributor, series: string): Promise<number> {
  const seen: string[] = [];
  for (const { name } of contributor.families.filter((family) => series.startsWith(family.name))) {
    for (const [each, value] of Object.entries(await samplesOf(contributor, name))) {
      if (each === series) return value;
      seen.push(each);
    }
  }
  throw new Error(`no series ${series}; there are ${seen.join(' ')}`);
}

/** The value of a family that has one series, whatever its labels. */
export async function valueOfFamily(contributor: MetricsContributor, name: string): Promise<number> {
  const [value, ...others] = Object.values(await samplesOf(contributor, name));
  if (value === undefined || others.length > 0) throw new Error(`${name} has not one series`);
  return value;
}
