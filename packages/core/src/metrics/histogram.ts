import { describeFamily, type FamilyDeclaration, type MetricFamily, type Sample } from './family.js';
import { type LabelSpec, type LabelValues, SeriesSet } from './labels.js';

export interface HistogramDeclaration<Labels extends LabelSpec> extends FamilyDeclaration<Labels> {
  /** Upper bounds, ascending, without +Inf. Say where they come from. */
  readonly buckets: readonly number[];
}

export class HistogramChild {
  readonly #bounds: readonly number[];
  /** Per bucket, not cumulative; the last one is +Inf. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
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
    () => new HistogramChild(buckets),
  );
  return {
    ...family,
    type: 'histogram',
    buckets,
    aggregator: 'sum',
    collects: false,
    child: (labels) => series.child(labels),
    async get() {
      const values: Sample[] = [];
      for (const { labels, state } of series.children()) appendSamples(values, family.name, labels, buckets, state);
      return { name: family.name, help: family.help, type: 'histogram', values, aggregator: 'sum' };
    },
    reset: () => series.reset(),
  };
}

function appendSamples(
  into: Sample[],
  name: string,
  labels: Readonly<Record<string, string>>,
  bounds: readonly number[],
  state: HistogramChild,
): void {
  let cumulative = 0;
  for (let i = 0; i < state.counts.length; i++) {
    cumulative += state.counts[i] as number;
    const le = i < bounds.length ? String(bounds[i]) : '+Inf';
    into.push({ labels: { le, ...labels }, value: cumulative, metricName: `${name}_bucket` });
  }
  into.push({ labels, value: state.sum, metricName: `${name}_sum` });
  into.push({ labels, value: cumulative, metricName: `${name}_count` });
}
