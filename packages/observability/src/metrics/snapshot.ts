import { type Clock, type Logger, type Sample, withDeadline } from '@reactor/core';
import { Counter, Gauge, Histogram, Summary } from 'prom-client';

/** What a registry holds: a family declared through core, or a metric of prom-client. */
export interface MetricSource {
  readonly name: string;
  /** Set on families declared through core. */
  readonly collects?: boolean;
  /** Set on prom-client metrics that read their value when asked. */
  readonly collect?: unknown;
  get(signal?: AbortSignal): Promise<ScrapedFamily>;
}

/** One family as it was when the scrape read it. */
export interface ScrapedFamily {
  readonly name: string;
  readonly help: string;
  /** `counter`, `gauge`, `histogram`, `summary` */
  readonly type: string;
  readonly values: readonly Sample[];
}

/** How reading one collector went. */
export interface CollectorOutcome {
  readonly collector: string;
  readonly success: boolean;
  readonly durationSeconds: number;
}

export interface Snapshot {
  readonly families: readonly ScrapedFamily[];
  readonly outcomes: readonly CollectorOutcome[];
}

export interface SnapshotOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Milliseconds each collector may take. */
  readonly timeoutMs: number;
  /** Awaited between families; gives the event loop its turn. */
  readonly breathe: () => Promise<void>;
}

/**
 * Reads every family. Collectors run side by side, each under the time limit; one that throws, hangs or answers nonsense
 * is left out and shows in `outcomes`. Never rejects.
 */
export async function takeSnapshot(sources: readonly MetricSource[], options: SnapshotOptions): Promise<Snapshot> {
  const families: (ScrapedFamily | undefined)[] = new Array(sources.length);
  const outcomes: CollectorOutcome[] = [];
  const read = async (source: MetricSource, index: number, get: () => Promise<ScrapedFamily>, collector: boolean) => {
    const start = options.clock.monotonic();
    let success = false;
    try {
      families[index] = collector ? requireFamily(await get()) : await get();
      success = true;
    } catch (error) {
      options.logger.warn('metric collector failed', { collector: source.name, error });
    }
    const durationSeconds = (options.clock.monotonic() - start) / 1000;
    if (collector || !success) outcomes.push({ collector: source.name, success, durationSeconds });
  };

  // Collectors start first: some of prom-client's set the values of a sibling that has no collect of its own.
  const collecting = sources.map((source, index) =>
    isStored(source)
      ? undefined
      : read(source, index, () => withDeadline(options.timeoutMs, (signal) => source.get(signal)), true),
  );
  for (const [index, source] of sources.entries()) {
    if (!isStored(source)) continue;
    await read(source, index, () => source.get(), false);
    await options.breathe();
  }
  await Promise.all(collecting);
  return { families: families.filter((family) => family !== undefined), outcomes };
}

/** Whether reading it only copies what the process already holds. Metrics of an unknown kind get a time limit. */
function isStored(source: MetricSource): boolean {
  if (source.collects !== undefined) return !source.collects;
  const ofPromClient =
    source instanceof Counter || source instanceof Gauge || source instanceof Histogram || source instanceof Summary;
  return ofPromClient && typeof source.collect !== 'function';
}

function requireFamily(family: ScrapedFamily): ScrapedFamily {
  if (!Array.isArray(family?.values)) throw new TypeError('the collector returned no samples');
  for (const { value } of family.values) {
    if (typeof value !== 'number') throw new TypeError(`a sample must be a number, got ${typeof value}`);
  }
  return family;
}
