import type { Clock } from '../clock.js';
import { DecayingMax } from './decaying-max.js';
import type { DistributionSummary, Timer } from './meter-registry.js';

/** The numbers behind a {@link Timer} (nanoseconds) or a {@link DistributionSummary}. */
export class DistributionCell implements Timer, DistributionSummary {
  /** How many records. */
  count = 0;
  /** Their sum. */
  total = 0;
  private readonly decayingMax: DecayingMax;

  constructor(private readonly clock: Clock) {
    this.decayingMax = new DecayingMax(clock.now());
  }

  /** The largest record of the last two to three minutes, 0 when there was none. */
  get max(): number {
    return this.decayingMax.read(this.clock.now());
  }

  record(amount: number, at: number = this.clock.now()): void {
    // Written so that NaN is refused too: it would spoil the total for good.
    if (!(amount >= 0)) return;
    this.count += 1;
    this.total += amount;
    this.decayingMax.record(amount, at);
  }

  reset(): void {
    this.count = 0;
    this.total = 0;
    this.decayingMax.reset();
  }
}
