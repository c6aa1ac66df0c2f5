/** One rotation a minute, as Micrometer's Prometheus registry does. */
export const MAX_STEP_NANOS = 60e9;

/**
 * The largest value of the last two to three steps. Three windows fill in parallel and the one that has been filling
 * longest is read; each step drops it and opens a new one, so a peak fades in stages instead of all at once.
 */
export class DecayingMax {
  private oldest = 0;
  private middle = 0;
  private youngest = 0;
  private rotateAt: number;

  /** @param now clock reading at creation, nanoseconds */
  constructor(now: number) {
    this.rotateAt = now + MAX_STEP_NANOS;
  }

  record(value: number, at: number): void {
    if (at >= this.rotateAt) this.rotate(at);
    // oldest >= middle >= youngest always holds, so most values cost one comparison.
    if (value > this.youngest) {
      this.youngest = value;
      if (value > this.middle) {
        this.middle = value;
        if (value > this.oldest) this.oldest = value;
      }
    }
  }

  read(at: number): number {
    if (at >= this.rotateAt) this.rotate(at);
    return this.oldest;
  }

  reset(): void {
    this.oldest = 0;
    this.middle = 0;
    this.youngest = 0;
  }

  private rotate(at: number): void {
    const steps = Math.floor((at - this.rotateAt) / MAX_STEP_NANOS) + 1;
    this.rotateAt += steps * MAX_STEP_NANOS;
    this.oldest = steps === 1 ? this.middle : steps === 2 ? this.youngest : 0;
    this.middle = steps === 1 ? this.youngest : 0;
    this.youngest = 0;
  }
}
