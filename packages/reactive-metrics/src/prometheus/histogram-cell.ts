import type { Clock } from '../clock.js';
import { DistributionCell } from '../meters/distribution-cell.js';

/** A {@link DistributionCell} that also counts its records by bucket. */
export class HistogramCell extends DistributionCell {
  private readonly perBucket: number[];

  /** @param bounds upper bounds in the unit of the records, ascending */
  constructor(
    clock: Clock,
    private readonly bounds: readonly number[],
  ) {
    super(clock);
    this.perBucket = new Array<number>(bounds.length).fill(0);
  }

  override record(amount: number, at?: number): void {
    const before = this.count;
    super.record(amount, at);
    if (this.count === before) return;
    const bucket = this.bounds.findIndex((bound) => amount <= bound);
    if (bucket >= 0) this.perBucket[bucket] = (this.perBucket[bucket] ?? 0) + 1;
  }

  /** For each bound, how many records were not above it. */
  cumulative(): number[] {
    let sum = 0;
    return this.perBucket.map((count) => {
      sum += count;
      return sum;
    });
  }

  override reset(): void {
    super.reset();
    this.perBucket.fill(0);
  }
}
