type Step = (deadline: AbortSignal) => Promise<void>;

/** What was opened so far, to be closed in the opposite order. */
export class Closing {
  readonly #steps: Step[] = [];

  add(step: Step): void {
    this.#steps.push(step);
  }

  /** @param deadline past it, steps cut what is left. Each runs once, however often this is called */
  async close(deadline: AbortSignal): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) await step(deadline);
  }
}
