import { describeFamily, type FamilyDeclaration, type MetricFamily } from './family.js';
import { type LabelSpec, type LabelValues, SeriesSet } from './labels.js';

export class CounterChild {
  value = 0;

  /** @param amount ≥ 0 */
  inc(amount = 1): void {
    if (!(amount >= 0)) throw new RangeError(`a counter only grows, got ${amount}`);
    this.value += amount;
  }
}

export interface Counter<Labels extends LabelSpec> extends MetricFamily {
  readonly type: 'counter';
  /** The series with these labels. Keep it where the labels are known beforehand. */
  child(labels: LabelValues<Labels>): CounterChild;
}

/** A number that only grows: events, bytes moved. */
// biome-ignore lint/complexity/noBannedTypes: {} is the empty label set
export function counter<const Labels extends LabelSpec = {}>(declaration: FamilyDeclaration<Labels>): Counter<Labels> {
  const family = describeFamily('counter', declaration);
  const series = new SeriesSet<Labels, CounterChild>((declaration.labels ?? {}) as Labels, () => new CounterChild());
  return {
    ...family,
    type: 'counter',
    aggregator: 'sum',
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
      return { name: family.name, help: family.help, type: 'counter', values, aggregator: 'sum' };
    },
    reset: () => series.reset(),
  };
}
