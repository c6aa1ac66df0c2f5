import type { PromClientRegistry } from './prom-client-registry.js';

/** Metric types of the exposition formats we use. */
export type MetricType = 'counter' | 'gauge' | 'summary' | 'histogram' | 'gaugehistogram';

/** One line of the exposition. */
export interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What prom-client reads from a metric. */
export interface MetricValues {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly aggregator: 'sum' | 'max';
  readonly values: Sample[];
}

/** What an {@link ExposedMetric} is made of. */
export interface ExposedMetricSource {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** How prom-client's cluster mode joins the values of several processes. */
  readonly aggregator: 'sum' | 'max';
  /** Appended to the name, one per kind of sample; empty for the name itself. */
  readonly suffixes: readonly string[];
  /** `complete`: each sample shows every label of its family, empty ones included. */
  collect(name: string, complete: boolean): Sample[];
  reset(): void;
}

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/**
 * A metric of ours as prom-client wants to see it; it renders numbers that live in our own cells, because
 * prom-client's Summary keeps a digest per label set and is far too slow to be told of every value.
 */
export class ExposedMetric {
  readonly help: string;
  readonly aggregator: 'sum' | 'max';
  private strippedForOpenMetrics = false;

  constructor(
    private readonly source: ExposedMetricSource,
    private readonly target: PromClientRegistry,
  ) {
    this.help = source.help;
    this.aggregator = source.aggregator;
  }

  get name(): string {
    return this.source.name;
  }

  /**
   * prom-client takes `_total` off the names of counters before it renders OpenMetrics, and never puts it back.
   * Remembered for the one rendering it was meant for.
   */
  set name(name: string) {
    this.strippedForOpenMetrics = name !== this.source.name;
  }

  get type(): MetricType {
    const { type } = this.source;
    // The text format has no gauge histograms; there the buckets are a histogram's.
    return type === 'gaugehistogram' && this.target.contentType !== OPEN_METRICS ? 'histogram' : type;
  }

  /** Every name a sample of this metric may have; in OpenMetrics a counter also owns its name without `_total`. */
  sampleNames(): string[] {
    const names = this.source.suffixes.map((suffix) => `${this.name}${suffix}`);
    return this.source.type === 'counter' ? [...names, withoutTotal(this.name)] : [this.name, ...names];
  }

  /**
   * The values for programs and for prom-client's cluster mode. Labels with an empty value are left out: Prometheus
   * does not tell them from absent ones, and processes that know different labels must agree on a series' labels.
   */
  get(): MetricValues {
    return this.values(this.name, this.name, false);
  }

  /** The values for prom-client's own renderer. */
  getForPromString(): MetricValues {
    const forOpenMetrics = this.strippedForOpenMetrics || this.target.contentType === OPEN_METRICS;
    this.strippedForOpenMetrics = false;
    // It appends `_total` to every sample of a counter itself then.
    const name = forOpenMetrics && this.source.type === 'counter' ? withoutTotal(this.name) : this.name;
    return this.values(name, name, true);
  }

  /** Called by `resetMetrics()`. Running tasks go on being counted: they still run. */
  reset(): void {
    this.source.reset();
  }

  private values(name: string, sampleName: string, complete: boolean): MetricValues {
    const values = this.source.collect(sampleName, complete);
    return { name, help: this.help, type: this.type, aggregator: this.aggregator, values };
  }
}

function withoutTotal(name: string): string {
  return name.replace(/_total$/, '');
}
