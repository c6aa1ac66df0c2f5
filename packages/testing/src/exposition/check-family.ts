import { type ParsedFamily, type ParsedSample, seriesKey } from './exposition.js';

/** What one family must be, beyond its lines being well-formed. */
export function checkFamily(family: ParsedFamily): void {
  const seen = new Set<string>();
  for (const sample of family.samples) {
    const key = seriesKey(sample);
    if (seen.has(key)) throw new Error(`the series ${sample.name}${JSON.stringify(sample.labels)} is there twice`);
    seen.add(key);
    if (family.type === 'counter' && !(sample.value >= 0)) throw new Error(`the counter ${sample.name} is negative`);
  }
  if (family.type === 'histogram') checkHistogram(family);
}

interface Histogram {
  readonly buckets: { readonly bound: number; readonly count: number }[];
  count?: number;
  sum?: number;
}

function checkHistogram({ name, samples }: ParsedFamily): void {
  const histograms = new Map<string, Histogram>();
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    const key = seriesKey({ name, labels });
    const histogram = histograms.get(key) ?? { buckets: [] };
    histograms.set(key, histogram);
    if (sample.name === `${name}_bucket`) histogram.buckets.push({ bound: boundOf(le), count: sample.value });
    else if (le !== undefined) throw new Error(`${sample.name} has the label le`);
    else if (sample.name === `${name}_sum`) histogram.sum = sample.value;
    else histogram.count = sample.value;
  }
  for (const histogram of histograms.values()) checkBuckets(name, histogram);
}

function checkBuckets(name: string, { buckets, count, sum }: Histogram): void {
  if (sum === undefined || count === undefined) throw new Error(`${name} has a series without _sum or _count`);
  for (const [i, { bound, count: cumulative }] of buckets.entries()) {
    const before = buckets[i - 1];
    if (before === undefined) continue;
    if (!(bound > before.bound)) throw new Error(`the buckets of ${name} do not ascend`);
    if (cumulative < before.count) throw new Error(`the buckets of ${name} are not cumulative`);
  }
  const last = buckets.at(-1);
  if (last?.bound !== Number.POSITIVE_INFINITY) throw new Error(`${name} has a series without le="+Inf"`);
  if (last.count !== count) throw new Error(`${name} has a _count that is not its le="+Inf" bucket`);
}

function boundOf(le: ParsedSample['labels'][string] | undefined): number {
  if (le === '+Inf') return Number.POSITIVE_INFINITY;
  const bound = le === undefined || le.trim() === '' ? Number.NaN : Number(le);
  if (Number.isNaN(bound)) throw new Error('a bucket whose le is not a number');
  return bound;
}
