import { type Aggregator, describeFamily, type FamilyDeclaration, type MetricFamily, type Sample } from './family.js';
import { type LabelSpec, type LabelValues, SeriesSet } from './labels.js';

export class GaugeChild {
  value = 0;

  set(value: number): void {
    this.value = value;
  }
  inc(amount = 1): void {
    this.value += amount;
  }
  dec(amount = 1): void {
    this.value -= amount;
  }
}

export interface GaugeDeclaration<Labels extends LabelSpec> extends FamilyDeclaration<Labels> {
  /** Default `sum`; `max` for what every server reads from the same place. */
  readonly aggregator?: Aggregator;
}

export interface Gauge<Labels extends LabelSpec> extends MetricFamily {
  readonly type: 'gauge';
  child(labels: LabelValues<Labels>): GaugeChild;
}

/** A number that goes both ways and is kept by the one who changes it. */
// biome-ignore lint/complexity/noBannedTypes: {} is the empty label set
export function gauge<const Labels extends LabelSpec = {}>(declaration: GaugeDeclaration<Labels>): Gauge<Labels> {
  const family = describeFamily('gauge', declaration);
  const aggregator = declaration.aggregator ?? 'sum';
  const series = new SeriesSet<Labels, GaugeChild>((declaration.labels ?? {}) as Labels, () => new GaugeChild());
  return {
    ...family,
    type: 'gauge',
    aggregator,
    collects: false,
    get overflows() {
      return series.overflows;
    },
    child: (labels) => series.child(labels),
    async get() {
      const values = Array.from(series.children(), ({ labels, labelText, state }) => ({
        labels,
        labelText,
        value: state.value,
      }));
      return { name: family.name, help: family.help, type: 'gauge', values, aggregator };
    },
    reset: () => series.reset(),
  };
}

export interface ObservedGaugeDeclaration<Labels extends LabelSpec> extends GaugeDeclaration<Labels> {
  /**
   * Reads the value when a scrape asks: a number, or one per label set. Rejecting costs this family alone, for this
   * scrape.
   */
  readonly collect: (
    signal: AbortSignal,
  ) => number | readonly ObservedValue<Labels>[] | Promise<number | readonly ObservedValue<Labels>[]>;
}

export interface ObservedValue<Labels extends LabelSpec> {
  readonly labels: LabelValues<Labels>;
  readonly value: number;
}

/** A number that something else keeps and a scrape reads. */
// biome-ignore lint/complexity/noBannedTypes: {} is the empty label set
export function observedGauge<const Labels extends LabelSpec = {}>(
  declaration: ObservedGaugeDeclaration<Labels>,
): MetricFamily {
  const family = describeFamily('gauge', declaration);
  const aggregator = declaration.aggregator ?? 'sum';
  return {
    ...family,
    type: 'gauge',
    aggregator,
    collects: true,
    async get(signal = new AbortController().signal) {
      const read = await declaration.collect(signal);
      const values: Sample[] =
        typeof read === 'number'
          ? [{ labels: {}, value: read }]
          : read.map(({ labels, value }) => ({ labels: labels as Record<string, string>, value }));
      return { name: family.name, help: family.help, type: 'gauge', values, aggregator };
    },
    // Nothing is kept here.
    reset: () => {},
  };
}
