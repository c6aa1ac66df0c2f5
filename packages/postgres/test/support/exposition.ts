import type { MetricFamily, MetricsContributor } from '@reactor/core';

/** The samples of one family as `{"name{labels}": value}`, labels without quotes. */
export async function samplesOf(contributor: MetricsContributor, name: string): Promise<Record<string, number>> {
  const family = contributor.families.find((each: MetricFamily) => each.name === name);
  if (family === undefined) throw new Error(`there is no family ${name}`);
  const { values } = await family.get();
  return Object.fromEntries(
    values.map(({ labels, value, metricName }) => {
      const text = Object.entries(labels).map(([key, label]) => `${key}=${label}`);
      return [`${metricName ?? name}${text.length > 0 ? `{${text.join(',')}}` : ''}`, value];
    }),
  );
}

/** The value of a family that has one series. */
export async function valueOfFamily(contributor: MetricsContributor, name: string): Promise<number> {
  const [value, ...others] = Object.values(await samplesOf(contributor, name));
  if (value === undefined || others.length > 0) throw new Error(`${name} has not one series`);
  return value;
}
