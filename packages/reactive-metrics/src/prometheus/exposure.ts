import type { Clock } from '../clock.js';
import { CounterCell } from '../meters/counter-cell.js';
import { DistributionCell } from '../meters/distribution-cell.js';
import { LongTaskTimerCell } from '../meters/long-task-timer-cell.js';
import type { MeterKind } from '../meters/meter-registry.js';
import type { MetricType } from './exposed-metric.js';
import { HistogramCell } from './histogram-cell.js';

/** One number of a cell: what is appended to the metric's name, the value, and the bucket it belongs to. */
export type Reading = readonly [suffix: string, value: number, le?: string];

/** One metric that shows a cell, or a part of it. */
export interface Exposure<Cell> {
  /** Appended to the family's name. */
  readonly nameSuffix: string;
  readonly type: MetricType;
  readonly aggregator: 'sum' | 'max';
  /** The suffixes `read` uses. */
  readonly suffixes: readonly string[];
  /** Appended to the help text. */
  readonly note?: string;
  read(cell: Cell): Reading[];
}

/** How one kind of meter is kept and shown. */
export interface Layout<Cell> {
  createCell(clock: Clock): Cell;
  /** Back to zero, for `resetMetrics()`. Running tasks go on being counted, because they still run. */
  reset(cell: Cell): void;
  readonly exposures: readonly Exposure<Cell>[];
}

/** Which metrics a long task timer becomes: `gauges` can be graphed as they are, `micrometer1x` has Micrometer's names. */
export type LongTaskTimerLayout = 'gauges' | 'micrometer1x';

const NANOS = 1e9;
const RECENT = 'The largest of the last two to three minutes.';

/** A counter: one metric. */
export const COUNTER: Layout<CounterCell> = {
  createCell: () => new CounterCell(),
  reset: (cell) => cell.reset(),
  exposures: [single('', 'counter', 'sum', (cell) => cell.count)],
};

/** A timer (seconds) or summary (its own unit): a summary, or a histogram with `bounds`, and a gauge for the maximum. */
export function distribution(kind: MeterKind, bounds: readonly number[] | undefined): Layout<DistributionCell> {
  const scale = kind === 'timer' ? NANOS : 1;
  const reset = (cell: DistributionCell) => cell.reset();
  const max = single<DistributionCell>('_max', 'gauge', 'max', (cell) => cell.max / scale, RECENT);
  const countAndSum = (cell: DistributionCell): Reading[] => [
    ['_count', cell.count],
    ['_sum', cell.total / scale],
  ];
  if (bounds === undefined) {
    const summary: Exposure<DistributionCell> = {
      nameSuffix: '',
      type: 'summary',
      aggregator: 'sum',
      suffixes: ['_count', '_sum'],
      read: countAndSum,
    };
    return { createCell: (clock) => new DistributionCell(clock), reset, exposures: [summary, max] };
  }
  const scaled = bounds.map((bound) => bound * scale);
  const histogram: Exposure<DistributionCell> = {
    nameSuffix: '',
    type: 'histogram',
    aggregator: 'sum',
    suffixes: ['_bucket', '_count', '_sum'],
    read: (cell) => {
      const counts = cell instanceof HistogramCell ? cell.cumulative() : [];
      return [...buckets(bounds, counts, cell.count), ...countAndSum(cell)];
    },
  };
  return { createCell: (clock) => new HistogramCell(clock, scaled), reset, exposures: [histogram, max] };
}

/** A long task timer, seconds. All its values also fall. */
export function longTasks(
  layout: LongTaskTimerLayout,
  bounds: readonly number[] | undefined,
): Layout<LongTaskTimerCell> {
  const createCell = (clock: Clock) => new LongTaskTimerCell(clock);
  const reset = () => {};
  const max = single<LongTaskTimerCell>('_max', 'gauge', 'max', (cell) => cell.max / NANOS, 'Age of the oldest.');
  if (layout === 'gauges') {
    const count = single<LongTaskTimerCell>('_active_count', 'gauge', 'sum', (cell) => cell.activeTasks, 'How many.');
    const sum = single<LongTaskTimerCell>(
      '_duration_sum',
      'gauge',
      'sum',
      (cell) => cell.duration / NANOS,
      'Their summed age.',
    );
    return { createCell, reset, exposures: [count, sum, max] };
  }
  const [count, sum] = bounds === undefined ? ['_count', '_sum'] : ['_gcount', '_gsum'];
  const family: Exposure<LongTaskTimerCell> = {
    nameSuffix: '',
    type: bounds === undefined ? 'summary' : 'gaugehistogram',
    aggregator: 'sum',
    suffixes: bounds === undefined ? [count, sum] : ['_bucket', count, sum],
    read: (cell) => {
      const ages = bounds === undefined ? [] : cell.ages();
      const counts = (bounds ?? []).map((bound) => ages.filter((age) => age <= bound * NANOS).length);
      return [
        ...(bounds === undefined ? [] : buckets(bounds, counts, ages.length)),
        [count, cell.activeTasks],
        [sum, cell.duration / NANOS],
      ];
    },
  };
  return { createCell, reset, exposures: [family, max] };
}

function single<Cell>(
  nameSuffix: string,
  type: MetricType,
  aggregator: 'sum' | 'max',
  value: (cell: Cell) => number,
  note?: string,
): Exposure<Cell> {
  const exposure = {
    nameSuffix,
    type,
    aggregator,
    suffixes: [''],
    read: (cell: Cell): Reading[] => [['', value(cell)]],
  };
  return note === undefined ? exposure : { ...exposure, note };
}

function buckets(bounds: readonly number[], counts: readonly number[], all: number): Reading[] {
  const finite = bounds.map((bound, index): Reading => ['_bucket', counts[index] ?? 0, String(bound)]);
  return [...finite, ['_bucket', all, '+Inf']];
}
