import { type Clock, systemClock } from '../clock.js';
import type {
  Counter,
  DistributionSummary,
  LongTaskTimer,
  MeterKind,
  MeterOptions,
  MeterRegistry,
  Timer,
} from '../meters/meter-registry.js';
import { assertName } from '../stream/identity.js';
import { type TagsInput, tagsOf } from '../tags.js';
import { COUNTER, distribution, type Layout, type LongTaskTimerLayout, longTasks } from './exposure.js';
import { type LabelMismatch, MetricFamily } from './metric-family.js';
import type { PromClientRegistry } from './prom-client-registry.js';
import { metricName } from './prometheus-name.js';
import { type AnyFamily, findFamily, isShown, showFamily } from './shown-families.js';

/** Options of {@link prometheusRegistry}. */
export interface PrometheusOptions {
  /** Source of durations; the runtime's monotonic clock by default. */
  readonly clock?: Clock;
  /**
   * When meters of one name have different tag keys: `union` (default) shows every key on each of them and warns once,
   * `warn-drop` keeps the later ones out and warns once, `throw` refuses them.
   */
  readonly labelMismatch?: LabelMismatch;
  /** Metric names of long task timers; `gauges` by default. */
  readonly longTaskTimers?: LongTaskTimerLayout;
  /**
   * Ascending upper bounds for the meters that shall be histograms: seconds for timers, the amount's unit for summaries.
   * For long task timers they count only with the `micrometer1x` layout.
   */
  readonly buckets?: (meter: string, kind: 'timer' | 'summary' | 'longTaskTimer') => readonly number[] | undefined;
}

/**
 * Meters shown by a prom-client registry. Several of these on one registry share their meters; after
 * `target.clear()` a meter starts again from zero when it is next asked for.
 */
export function prometheusRegistry(target: PromClientRegistry, options: PrometheusOptions = {}): MeterRegistry {
  if (typeof target?.registerMetric !== 'function')
    throw new TypeError('prometheusRegistry needs a prom-client Registry');
  return new PrometheusRegistry(target, options);
}

class PrometheusRegistry implements MeterRegistry {
  readonly clock: Clock;
  private readonly families = new Map<string, AnyFamily>();
  private warned = false;

  constructor(
    private readonly target: PromClientRegistry,
    private readonly options: PrometheusOptions,
  ) {
    this.clock = options.clock ?? systemClock();
  }

  counter(name: string, tags: TagsInput = [], options: MeterOptions = {}): Counter {
    return this.cell(name, 'counter', tags, options, () => COUNTER);
  }

  timer(name: string, tags: TagsInput = [], options: MeterOptions = {}): Timer {
    return this.cell(name, 'timer', tags, options, () => distribution('timer', this.bounds(name, 'timer')));
  }

  summary(name: string, tags: TagsInput = [], options: MeterOptions = {}): DistributionSummary {
    return this.cell(name, 'summary', tags, options, () => distribution('summary', this.bounds(name, 'summary')));
  }

  longTaskTimer(name: string, tags: TagsInput = [], options: MeterOptions = {}): LongTaskTimer {
    const { longTaskTimers = 'gauges' } = this.options;
    return this.cell(name, 'longTaskTimer', tags, options, () =>
      longTasks(longTaskTimers, this.bounds(name, 'longTaskTimer')),
    );
  }

  private cell<Cell>(
    name: string,
    kind: MeterKind,
    tags: TagsInput,
    options: MeterOptions,
    layout: () => Layout<Cell>,
  ): Cell {
    const known = this.families.get(name);
    const family =
      known !== undefined && isShown(this.target, known) ? known : this.familyOf(name, kind, options, layout);
    if (family.kind !== kind) {
      throw new TypeError(`meter "${name}" is a ${family.kind} and cannot also be a ${kind}; rename one of them`);
    }
    const cell = family.cell(tagsOf(tags), (first, given) => this.keep(name, first, given));
    // Shown only now: had the tags been refused, a family without series would stay behind.
    if (!isShown(this.target, family)) showFamily(this.target, family);
    this.families.set(name, family);
    return cell as Cell;
  }

  /** The family another adapter made on the same target, or a new one. */
  private familyOf<Cell>(name: string, kind: MeterKind, options: MeterOptions, layout: () => Layout<Cell>): AnyFamily {
    assertName('the name of a meter', name);
    const found = findFamily(this.target, name, options.baseUnit);
    if (found !== undefined) return found;
    const base = metricName(name, kind, options.baseUnit);
    return new MetricFamily(name, kind, base, this.target, this.clock, layout(), options) as AnyFamily;
  }

  private keep(name: string, first: string, given: string): boolean {
    const { labelMismatch = 'union' } = this.options;
    const problem =
      `meters named "${name}" have different tag keys: first [${first}], now [${given}]. ` +
      'Give streams that have tags a name of their own.';
    if (labelMismatch === 'throw') throw new TypeError(problem);
    if (!this.warned) {
      this.warned = true;
      const effect =
        labelMismatch === 'union' ? 'Keys that are missing are shown empty' : 'The later ones are not shown';
      console.warn(`prometheusRegistry: ${problem} ${effect} (warned once).`);
    }
    return labelMismatch === 'union';
  }

  private bounds(name: string, kind: 'timer' | 'summary' | 'longTaskTimer'): readonly number[] | undefined {
    const bounds = this.options.buckets?.(name, kind);
    if (
      bounds?.some(
        (bound, index) => !Number.isFinite(bound) || bound <= (bounds[index - 1] ?? Number.NEGATIVE_INFINITY),
      )
    ) {
      throw new TypeError(
        `the buckets of "${name}" must be finite numbers in ascending order, got ${bounds.join(', ')}`,
      );
    }
    return bounds;
  }
}
