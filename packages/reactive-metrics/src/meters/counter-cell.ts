import type { Counter } from './meter-registry.js';

/** The number behind a {@link Counter}. */
export class CounterCell implements Counter {
  /** Sum of all increments. */
  count = 0;

  increment(amount = 1): void {
    if (amount > 0) this.count += amount;
  }

  reset(): void {
    this.count = 0;
  }
}
