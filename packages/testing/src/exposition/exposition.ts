export const FAMILY_TYPES = ['counter', 'gauge', 'histogram', 'summary', 'untyped'] as const;
export type FamilyType = (typeof FAMILY_TYPES)[number];

export interface ParsedSample {
  /** With `_bucket`, `_sum` or `_count` where the line has it. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Milliseconds since the epoch. */
  readonly timestamp?: number;
}

export interface ParsedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly samples: readonly ParsedSample[];
}

/** What one scrape said. */
export class Exposition {
  readonly families: ReadonlyMap<string, ParsedFamily>;

  constructor(families: ReadonlyMap<string, ParsedFamily>) {
    this.families = families;
  }

  /** The value of the one series with exactly these labels; undefined when there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const wanted = seriesKey({ name, labels });
    for (const { samples } of this.families.values()) {
      for (const sample of samples) if (seriesKey(sample) === wanted) return sample.value;
    }
    return undefined;
  }
}

/** The same for two samples exactly when they are of one series. */
export function seriesKey({ name, labels }: Pick<ParsedSample, 'name' | 'labels'>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([name, sorted]);
}
