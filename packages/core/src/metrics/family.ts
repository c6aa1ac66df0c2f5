import type { LabelSpec } from './labels.js';

/** Base units of Prometheus; `none` for plain counts of things. */
export type MetricUnit = 'seconds' | 'bytes' | 'ratio' | 'none';
export type MetricType = 'counter' | 'gauge' | 'histogram';

/** What every family says about itself. Names, labels and help end up on the wire and in `docs/reference/metrics.md`. */
export interface FamilyDeclaration<Labels extends LabelSpec> {
  /** `reactor_<subsystem>_<what>_<unit>[_total]` */
  readonly name: string;
  /** What is measured and where it is read from, as a phrase: `Finished HTTP requests`. */
  readonly help: string;
  /** The moment it moves: `once per finished response`. Part of HELP. */
  readonly moves: string;
  readonly unit: MetricUnit;
  readonly labels?: Labels;
}

/** One line of the exposition. */
export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** Set where the sample's name is not the family's: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
  /** `labels` as `renderLabels` writes them, kept with the series so that a scrape need not build them again. */
  readonly labelText?: string;
}

export interface FamilySnapshot {
  name: string;
  help: string;
  type: MetricType;
  values: Sample[];
  aggregator: Aggregator;
}

/** How prom-client's cluster mode and a fleet's dashboards combine the values of several processes. */
export type Aggregator = 'sum' | 'max' | 'first';

/**
 * A metric family that any prom-client registry accepts and renders. The properties are prom-client's; `get` takes a
 * signal as well, by which the scrape tells an asynchronous collector that its time is over.
 */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly unit: MetricUnit;
  readonly labelNames: readonly string[];
  readonly aggregator: Aggregator;
  /** Whether values are read from elsewhere at scrape time, so that reading them can fail or hang. */
  readonly collects: boolean;
  /**
   * How often a series was asked for whose open label was past its limit, so that `_other` stood in; undefined where
   * every label is closed.
   */
  readonly overflows?: number | undefined;
  get(signal?: AbortSignal): Promise<FamilySnapshot>;
  reset(): void;
}

const NAME = /^[a-z][a-z0-9_]*$/;
const LABEL = /^[a-z][a-z0-9_]*$/;

/** Checks the declaration where it is made, so that a bad name fails at start and not at the first scrape. */
export function describeFamily(type: MetricType, declaration: FamilyDeclaration<LabelSpec>) {
  const { name, help, moves, unit, labels = {} } = declaration;
  const problem = (what: string) => new TypeError(`metric family ${JSON.stringify(name)}: ${what}`);
  if (!NAME.test(name)) throw problem('the name must match [a-z][a-z0-9_]*');
  if ((type === 'counter') !== name.endsWith('_total')) throw problem('exactly the counters end in _total');
  const base = name.replace(/_total$/, '');
  if (unit !== 'none' && !base.endsWith(`_${unit}`)) throw problem(`the name must say its unit: …_${unit}`);
  for (const label of Object.keys(labels)) {
    if (!LABEL.test(label) || label === 'le') throw problem(`label ${JSON.stringify(label)} is not allowed`);
  }
  return { name, type, unit, help: `${help}; moves ${moves}.`, labelNames: Object.keys(labels) };
}
