import type { Instance } from './instance.js';

/** The processes of all functions of a server, of which there is a bound. */
export class ProcessBudget {
  readonly #max: number;
  readonly #onRoom: () => void;
  readonly #instances = new Set<Instance>();

  /** @param onRoom told when there is room again */
  constructor(max: number, onRoom: () => void) {
    this.#max = max;
    this.#onRoom = onRoom;
  }

  get instances(): ReadonlySet<Instance> {
    return this.#instances;
  }

  /** Whether one more may start. The one that is idle longest makes room. */
  hasRoom(): boolean {
    if (this.#instances.size < this.#max) return true;
    // Its process still has to end; the caller shares another instance, or waits, meanwhile.
    const isOneLeaving = [...this.#instances].some(({ isRetired, running }) => isRetired && running <= 0);
    if (!isOneLeaving) this.#longestIdle()?.retire();
    return false;
  }

  add(instance: Instance): void {
    this.#instances.add(instance);
    void instance.exited.then(() => {
      const wasFull = this.#instances.size >= this.#max;
      this.#instances.delete(instance);
      if (wasFull) this.#onRoom();
    });
  }

  #longestIdle(): Instance | undefined {
    let found: Instance | undefined;
    for (const instance of this.#instances) {
      const isIdle = instance.isReady && instance.running === 0 && !instance.isRetired;
      if (isIdle && (found === undefined || instance.idleSince < found.idleSince)) found = instance;
    }
    return found;
  }
}
