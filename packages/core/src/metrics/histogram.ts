import { describeFamily, type FamilyDeclaration, type MetricFamily, type Sample } from './family.js';
import { renderLabels } from './label-text.js';
import { type Child, type LabelSpec, type LabelValues, SeriesSet } from './labels.js';

export interface HistogramDeclaration<Labels extends LabelSpec> extends FamilyDeclaration<Labels> {
  /** Upper bounds, ascending, without +Inf. Say where they come from. */
  readonly buckets: readonly number[];
}

type BucketLabels = Required<Pick<Sample, 'labels' | 'labelText'>>;

export class HistogramChild {
  readonly #bounds: readonly number[];
  /** Per bucket, not cumulative; the last one is +Inf. */
  readonly counts: Float64Array;
  sum = 0;
  /** The labels of each bucket's series, made once because a scrape reads them every time. */
  readonly bucketLabels: readonly BucketLabels[];

  constructor(bounds: readonly number[], seriesLabels: Readonly<Record<string, string>>) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
    this.bucketLabels = [...bounds.map(String), '+Inf'].map((le) => {
      const labels = { le, ...seriesLabels };
      return { labels, labelText: renderLabels(labels) };
    });
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    // Linear: most observations fall into the low buckets, and there are a dozen.
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
  }
}

export interface Histogram<Labels extends LabelSpec> extends MetricFamily {
  readonly type: 'histogram';
  readonly buckets: readonly number[];
  child(labels: LabelValues<Labels>): HistogramChild;
}

/** How often values fell below each bound: durations, sizes. */
// biome-ignore lint/complexity/noBannedTypes: {} is the empty label set
export function histogram<const Labels extends LabelSpec = {}>(
  declaration: HistogramDeclaration<Labels>,
): Histogram<Labels> {
  const family = describeFamily('histogram', declaration);
  const { buckets } = declaration;
  if (buckets.length === 0 || buckets.some((bound, i) => i > 0 && !(bound > (buckets[i - 1] as number)))) {
    throw new TypeError(`metric family ${JSON.stringify(family.name)}: buckets must ascend`);
  }
  const series = new SeriesSet<Labels, HistogramChild>(
    (declaration.labels ?? {}) as Labels,
    (labels) => new HistogramChild(buckets, labels),
  );
  const names = { bucket: `${family.name}_bucket`, sum: `${family.name}_sum`, count: `${family.name}_count` };
  return {
    ...family,
    type: 'histogram',
    buckets,
    aggregator: 'sum',
    collects: false,
    get overflows() {
      return series.overflows;
    },
    child: (labels) => series.child(labels),
    async get() {
      const values: Sample[] = [];
      for (const child of series.children()) appendSamples(values, names, child);
      return { name: family.name, help: family.help, type: 'histogram', values, aggregator: 'sum' };
    },
    reset: () => series.reset(),
  };
}

function appendSamples(
  into: Sample[],
  names: { readonly bucket: string; readonly sum: string; readonly count: string },
  { labels, labelText, state }: Child<HistogramChild>,
): void {
  let cumulative = 0;
  for (let i = 0; i < state.counts.length; i++) {
    cumulative += state.counts[i] as number;
    const bucket = state.bucketLabels[i] as BucketLabels;
    into.push({ labels: bucket.labels, labelText: bucket.labelText, value: cumulative, metricName: names.bucket });
  }
  into.push({ labels, labelText, value: state.sum, metricName: names.sum });
  into.push({ labels, labelText, value: cumulative, metricName: names.count });
}
