import type { Clock } from '../clock.js';
import type { MeterKind, MeterOptions } from '../meters/meter-registry.js';
import type { Tags } from '../tags.js';
import { ExposedMetric, type Sample } from './exposed-metric.js';
import type { Exposure, Layout } from './exposure.js';
import type { PromClientRegistry } from './prom-client-registry.js';
import { labelName, labelValue } from './prometheus-name.js';

/** A cell with the labels it is shown under. */
interface Series<Cell> {
  /** Label names and values, sorted, without empty values: the identity of the series. */
  readonly labels: readonly (readonly [string, string])[];
  readonly cell: Cell;
}

/** What happens to a meter whose keys differ from the first one of its name. */
export type LabelMismatch = 'union' | 'warn-drop' | 'throw';

/** All meters of one name, and the metrics that show them. */
export class MetricFamily<Cell> {
  readonly metrics: readonly ExposedMetric[];
  private readonly byTags = new Map<string, Cell>();
  private readonly byLabels = new Map<string, Series<Cell>>();
  // Label name → tag key it came from: two keys may not become one label.
  private readonly keys = new Map<string, string>();
  private sortedKeys: readonly string[] = [];
  private firstKeys: string | undefined;
  private readonly required: readonly string[];

  constructor(
    readonly meterName: string,
    readonly kind: MeterKind,
    name: string,
    target: PromClientRegistry,
    private readonly clock: Clock,
    private readonly layout: Layout<Cell>,
    { description, requiredKeys = [] }: MeterOptions,
  ) {
    this.required = requiredKeys.map(labelName);
    const help = description ?? `${meterName}.`;
    this.metrics = layout.exposures.map((exposure) => {
      const source = {
        name: `${name}${exposure.nameSuffix}`,
        help: exposure.note === undefined ? help : `${help} ${exposure.note}`,
        type: exposure.type,
        aggregator: exposure.aggregator,
        suffixes: exposure.suffixes,
        collect: (metricName: string, complete: boolean) => this.collect(exposure, metricName, complete),
        reset: () => this.reset(),
      };
      return new ExposedMetric(source, target);
    });
  }

  /**
   * The cell for `tags`. Tag sets that differ only by empty values are one series to Prometheus and share their cell.
   * @param onMismatch told once per unknown tag set whose keys differ from the family's; returns whether to keep it
   * @throws TypeError for a reserved key, or two keys that become one label
   */
  cell(tags: Tags, onMismatch: (known: string, given: string) => boolean): Cell {
    const known = this.byTags.get(tags.id);
    if (known !== undefined) return known;
    const labels = this.labelsOf(tags);
    const given = labels.map(([label]) => label).join(', ');
    this.firstKeys ??= given;
    const kept = given === this.firstKeys || onMismatch(this.firstKeys, given);
    if (kept) this.show(tags);
    const cell = kept ? this.series(labels).cell : this.layout.createCell(this.clock);
    this.byTags.set(tags.id, cell);
    return cell;
  }

  /** Every series of the family shows every label that any of them has. */
  private show(tags: Tags): void {
    const before = this.keys.size;
    for (const [key] of tags) this.keys.set(labelName(key), key);
    if (this.keys.size > before) this.sortedKeys = [...this.keys.keys()].sort();
  }

  private labelsOf(tags: Tags): (readonly [string, string])[] {
    const origin = new Map<string, string>();
    const labels = Array.from(tags, ([key, value]): readonly [string, string] => {
      const label = labelName(key);
      const other = origin.get(label) ?? this.keys.get(label) ?? key;
      if (other !== key) {
        throw new TypeError(
          `meter "${this.meterName}": tag keys "${other}" and "${key}" both become the label "${label}"; rename one`,
        );
      }
      origin.set(label, key);
      return [label, labelValue(value)];
    });
    return labels.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  private series(labels: readonly (readonly [string, string])[]): Series<Cell> {
    const present = labels.filter(([, value]) => value !== '');
    const id = JSON.stringify(present);
    let series = this.byLabels.get(id);
    if (series === undefined) {
      series = { labels: present, cell: this.layout.createCell(this.clock) };
      this.byLabels.set(id, series);
    }
    return series;
  }

  private collect(exposure: Exposure<Cell>, metricName: string, complete: boolean): Sample[] {
    const samples: Sample[] = [];
    const shown = complete ? this.sortedKeys : this.required;
    for (const series of this.byLabels.values()) {
      const labels: Record<string, string> = {};
      for (const key of shown) labels[key] = '';
      for (const [key, value] of series.labels) labels[key] = value;
      for (const [suffix, value, le] of exposure.read(series.cell)) {
        samples.push({
          metricName: `${metricName}${suffix}`,
          labels: le === undefined ? labels : { ...labels, le },
          value,
        });
      }
    }
    return samples;
  }

  private reset(): void {
    for (const { cell } of this.byLabels.values()) this.layout.reset(cell);
  }
}
