import type { Attributes, Histogram, Meter, Counter as OtelCounter } from '@opentelemetry/api';
import { type Clock, systemClock } from '../clock.js';
import { DecayingMax } from '../meters/decaying-max.js';
import { LongTaskTimerCell } from '../meters/long-task-timer-cell.js';
import type {
  Counter,
  DistributionSummary,
  LongTaskTimer,
  MeterKind,
  MeterOptions,
  MeterRegistry,
  Timer,
} from '../meters/meter-registry.js';
import { type Tags, type TagsInput, tagsOf } from '../tags.js';

/** Options of {@link otelRegistry}. */
export interface OtelOptions {
  /** Source of durations; the runtime's monotonic clock by default. */
  readonly clock?: Clock;
}

const NANOS = 1e9;

/**
 * Meters on an OpenTelemetry meter; names keep their dots and case, durations are seconds. A counter becomes a
 * counter, a timer or summary a histogram and a gauge `<name>.max`, a long task timer the three observable instruments
 * `<name>`, `<name>.duration` and `<name>.max`. Make one per meter: instruments of two do not know of each other.
 */
export function otelRegistry(meter: Meter, options: OtelOptions = {}): MeterRegistry {
  if (typeof meter?.createHistogram !== 'function') throw new TypeError('otelRegistry needs an OpenTelemetry Meter');
  return new OtelRegistry(meter, options.clock ?? systemClock());
}

type AnyMeter = OtelCounterMeter | OtelDistribution | LongTaskTimerCell;

/** All meters of one name: the instruments they share, and the meter of each tag set. */
interface Instrument {
  readonly kind: MeterKind;
  readonly series: Map<string, AnyMeter>;
  create(tags: Tags): AnyMeter;
}

class OtelRegistry implements MeterRegistry {
  private readonly instruments = new Map<string, Instrument>();

  constructor(
    private readonly meter: Meter,
    readonly clock: Clock,
  ) {}

  counter(name: string, tags: TagsInput = [], options: MeterOptions = {}): Counter {
    return this.lookUp(name, 'counter', tags, () => this.counters(name, options)) as OtelCounterMeter;
  }

  timer(name: string, tags: TagsInput = [], options: MeterOptions = {}): Timer {
    return this.lookUp(name, 'timer', tags, () =>
      this.distributions(name, { ...options, baseUnit: 's' }, NANOS),
    ) as OtelDistribution;
  }

  summary(name: string, tags: TagsInput = [], options: MeterOptions = {}): DistributionSummary {
    return this.lookUp(name, 'summary', tags, () => this.distributions(name, options, 1)) as OtelDistribution;
  }

  longTaskTimer(name: string, tags: TagsInput = [], options: MeterOptions = {}): LongTaskTimer {
    return this.lookUp(name, 'longTaskTimer', tags, () => this.longTasks(name, options)) as LongTaskTimerCell;
  }

  private lookUp(
    name: string,
    kind: MeterKind,
    tagsInput: TagsInput,
    create: () => Omit<Instrument, 'kind' | 'series'>,
  ) {
    const tags = tagsOf(tagsInput);
    let instrument = this.instruments.get(name);
    if (instrument === undefined) {
      instrument = { kind, series: new Map(), ...create() };
      this.instruments.set(name, instrument);
    }
    if (instrument.kind !== kind) {
      throw new TypeError(`meter "${name}" is a ${instrument.kind} and cannot also be a ${kind}; rename one of them`);
    }
    let meter = instrument.series.get(tags.id);
    if (meter === undefined) {
      meter = instrument.create(tags);
      instrument.series.set(tags.id, meter);
    }
    return meter;
  }

  private counters(name: string, { description }: MeterOptions) {
    const counter = this.meter.createCounter(name, described(description));
    return { create: (tags: Tags) => new OtelCounterMeter(counter, attributesOf(tags)) };
  }

  private distributions(name: string, { description, baseUnit }: MeterOptions, scale: number) {
    const unit = baseUnit === undefined ? {} : { unit: baseUnit };
    const histogram = this.meter.createHistogram(name, { ...described(description), ...unit });
    const max = this.meter.createObservableGauge(`${name}.max`, { ...described(description), ...unit });
    return {
      create: (tags: Tags) => {
        const attributes = attributesOf(tags);
        const distribution = new OtelDistribution(histogram, attributes, this.clock, scale);
        max.addCallback((result) => result.observe(distribution.max, attributes));
        return distribution;
      },
    };
  }

  private longTasks(name: string, { description }: MeterOptions) {
    const options = described(description);
    const active = this.meter.createObservableUpDownCounter(name, options);
    const duration = this.meter.createObservableUpDownCounter(`${name}.duration`, { ...options, unit: 's' });
    const max = this.meter.createObservableGauge(`${name}.max`, { ...options, unit: 's' });
    return {
      create: (tags: Tags) => {
        const attributes = attributesOf(tags);
        const cell = new LongTaskTimerCell(this.clock);
        active.addCallback((result) => result.observe(cell.activeTasks, attributes));
        duration.addCallback((result) => result.observe(cell.duration / NANOS, attributes));
        max.addCallback((result) => result.observe(cell.max / NANOS, attributes));
        return cell;
      },
    };
  }
}

class OtelCounterMeter implements Counter {
  constructor(
    private readonly counter: OtelCounter,
    private readonly attributes: Attributes,
  ) {
    // A meter is there from its registration on, and a counter without an addition is not exported.
    counter.add(0, attributes);
  }

  increment(amount = 1): void {
    if (amount > 0) this.counter.add(amount, this.attributes);
  }
}

class OtelDistribution implements Timer, DistributionSummary {
  private readonly recent: DecayingMax;

  constructor(
    private readonly histogram: Histogram,
    private readonly attributes: Attributes,
    private readonly clock: Clock,
    private readonly scale: number,
  ) {
    this.recent = new DecayingMax(clock.now());
  }

  get max(): number {
    return this.recent.read(this.clock.now());
  }

  record(amount: number, at: number = this.clock.now()): void {
    if (!(amount >= 0)) return;
    const scaled = amount / this.scale;
    this.histogram.record(scaled, this.attributes);
    this.recent.record(scaled, at);
  }
}

function attributesOf(tags: Tags): Attributes {
  return Object.freeze(Object.fromEntries(tags));
}

function described(description: string | undefined): { description?: string } {
  return description === undefined ? {} : { description };
}
