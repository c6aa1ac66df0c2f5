import { describeFamily, type MetricFamily, type Sample } from '@reactor/core';

/**
 * `reactor_metrics_series_dropped_total{family}`: where the budget of an open label is used up, so that what is counted
 * under `_other` is seen to be incomplete.
 * @param families asked at each scrape; those without open labels stay out
 */
export function seriesDropped(families: () => Iterable<Pick<MetricFamily, 'name' | 'overflows'>>): MetricFamily {
  const described = describeFamily('counter', {
    name: 'reactor_metrics_series_dropped_total',
    help: 'Label values that got no series of their own because their family had reached its limit',
    moves: 'each time such a value is looked up and _other is counted in its place',
    unit: 'none',
    labels: { family: [] },
  });
  return {
    ...described,
    type: 'counter',
    aggregator: 'sum',
    collects: false,
    async get() {
      const values: Sample[] = [];
      for (const { name, overflows } of families()) {
        if (overflows !== undefined) values.push({ labels: { family: name }, value: overflows });
      }
      return { name: described.name, help: described.help, type: 'counter', values, aggregator: 'sum' };
    },
    // The families keep the numbers.
    reset: () => {},
  };
}
