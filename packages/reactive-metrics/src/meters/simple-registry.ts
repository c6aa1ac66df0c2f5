import { type Clock, systemClock } from '../clock.js';
import { type Tags, type TagsInput, tagsOf } from '../tags.js';
import { CounterCell } from './counter-cell.js';
import { DistributionCell } from './distribution-cell.js';
import { LongTaskTimerCell } from './long-task-timer-cell.js';
import type { MeterKind, MeterRegistry } from './meter-registry.js';

/** A meter and its numbers. Timers count nanoseconds. `cell` is live: reading it again shows the current value. */
export type InspectedMeter = { readonly name: string; readonly tags: Tags } & (
  | { readonly kind: 'counter'; readonly cell: CounterCell }
  | { readonly kind: 'timer' | 'summary'; readonly cell: DistributionCell }
  | { readonly kind: 'longTaskTimer'; readonly cell: LongTaskTimerCell }
);

/** A registry whose numbers can be read back. */
export interface InspectableMeterRegistry extends MeterRegistry {
  counter(name: string, tags?: TagsInput): CounterCell;
  timer(name: string, tags?: TagsInput): DistributionCell;
  summary(name: string, tags?: TagsInput): DistributionCell;
  longTaskTimer(name: string, tags?: TagsInput): LongTaskTimerCell;
  /** Every meter, in the order of registration. */
  meters(): readonly InspectedMeter[];
  /** The first meter of that name that has at least these tags, without registering anything. */
  find(name: string, tags?: TagsInput): InspectedMeter | undefined;
}

/** Meters in memory, for tests and for programs that read their own numbers. */
export function simpleRegistry(clock: Clock = systemClock()): InspectableMeterRegistry {
  return new SimpleRegistry(clock);
}

class SimpleRegistry implements InspectableMeterRegistry {
  private readonly byName = new Map<string, Map<string, InspectedMeter>>();
  private readonly all: InspectedMeter[] = [];

  constructor(readonly clock: Clock) {}

  counter(name: string, tags: TagsInput = []): CounterCell {
    const known = this.lookUp('counter', name, tagsOf(tags));
    return known.kind === 'counter' ? known.cell : refuse(name, known.kind, 'counter');
  }

  timer(name: string, tags: TagsInput = []): DistributionCell {
    const known = this.lookUp('timer', name, tagsOf(tags));
    return known.kind === 'timer' ? known.cell : refuse(name, known.kind, 'timer');
  }

  summary(name: string, tags: TagsInput = []): DistributionCell {
    const known = this.lookUp('summary', name, tagsOf(tags));
    return known.kind === 'summary' ? known.cell : refuse(name, known.kind, 'summary');
  }

  longTaskTimer(name: string, tags: TagsInput = []): LongTaskTimerCell {
    const known = this.lookUp('longTaskTimer', name, tagsOf(tags));
    return known.kind === 'longTaskTimer' ? known.cell : refuse(name, known.kind, 'longTaskTimer');
  }

  meters(): readonly InspectedMeter[] {
    return this.all;
  }

  find(name: string, tags: TagsInput = []): InspectedMeter | undefined {
    const wanted = [...tagsOf(tags)];
    const series = this.byName.get(name)?.values() ?? [];
    return [...series].find((meter) => wanted.every(([key, value]) => meter.tags.get(key) === value));
  }

  private lookUp(kind: MeterKind, name: string, tags: Tags): InspectedMeter {
    let series = this.byName.get(name);
    if (series === undefined) {
      series = new Map();
      this.byName.set(name, series);
    }
    const known = series.get(tags.id);
    if (known !== undefined) return known;
    const [sibling] = series.values();
    if (sibling !== undefined && sibling.kind !== kind) refuse(name, sibling.kind, kind);
    const meter = this.create(kind, name, tags);
    series.set(tags.id, meter);
    this.all.push(meter);
    return meter;
  }

  private create(kind: MeterKind, name: string, tags: Tags): InspectedMeter {
    if (kind === 'counter') return { kind, name, tags, cell: new CounterCell() };
    if (kind === 'longTaskTimer') return { kind, name, tags, cell: new LongTaskTimerCell(this.clock) };
    return { kind, name, tags, cell: new DistributionCell(this.clock) };
  }
}

function refuse(name: string, is: MeterKind, wanted: MeterKind): never {
  throw new TypeError(`meter "${name}" is a ${is} and cannot also be a ${wanted}; give one of them another name`);
}
