import { type CancelSignal, type Clock, coreErrors, type Logger, reasonOf } from '@reactor/core';
import { type ChildExit, RestartBackoff } from '@reactor/processes';
import type { Deployment } from '../deployment.js';
import { functionsErrors } from '../errors.js';
import type { Instance } from './instance.js';
import type { EnvironmentValues } from './messages.js';

/** A call that has a process. */
export interface Lease {
  readonly instance: Instance;
  /** Whether the process was started for it, or while it waited. */
  readonly isCold: boolean;
  /** Milliseconds until it had one. */
  readonly waitedMs: number;
  /** The call is over. Safe twice. */
  release(): void;
}

export interface PoolOptions {
  /** Of the function. */
  readonly name: string;
  readonly deployment: Deployment;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Starts a process. @throws ReactorError when its bundle cannot be loaded */
  start(environment: EnvironmentValues): Promise<Instance>;
  /** Whether the server may have one more process. */
  hasRoom(): boolean;
  onColdStart(seconds: number): void;
}

/** Milliseconds within which an event loop that runs answers; a longer block is a fault of the handler's. */
const PING_MS = 50;
/** How long a call may wait for its turn. Longer queues only make time-outs of what could have been told at once. */
const QUEUE_MS = 1_000;
/** A process that lived this long was healthy. */
const HEALTHY_MS = 10_000;
/** So many in a row are no accident: from then on, calls are refused for a while. */
const LOOPING_DEATHS = 5;
const BACKOFF = { firstMs: 200, maxMs: 30_000 };
/** One that has served this long, or so many calls, is replaced when it is idle: what leaks in it goes with it. */
const MAX_AGE_MS = 3_600_000;
const MAX_CALLS = 100_000;

interface Waiter {
  wake(): void;
}

/** The processes of one deployment on this server, and the calls that wait for one. */
export class Pool {
  readonly name: string;
  readonly deployment: Deployment;
  readonly #options: PoolOptions;
  readonly #instances = new Set<Instance>();
  readonly #waiting: Waiter[] = [];
  readonly #backoff: RestartBackoff;
  #starting = 0;
  #running = 0;
  /** Calls that wait until others have ended. */
  #queued = 0;
  /** Monotonic milliseconds before which none is started, because the last ones died. */
  #notBefore = 0;
  #lastFailure: string | undefined;
  /** Processes that ended in a row with their first call. */
  #deaths = 0;
  /** Monotonic milliseconds of the last call. */
  lastUsed: number;
  #isRetired = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.name = options.name;
    this.deployment = options.deployment;
    this.lastUsed = options.clock.monotonic();
    this.#backoff = new RestartBackoff({ ...BACKOFF, healthyAfterMs: HEALTHY_MS, clock: options.clock });
  }

  get isEmpty(): boolean {
    return this.#instances.size === 0 && this.#starting === 0;
  }

  /** Why the last start failed; undefined after one that did not. */
  get lastFailure(): string | undefined {
    return this.#lastFailure;
  }

  /**
   * A process for a call: an idle one first, else a new one or whichever is free before that, else one that is shared.
   * @throws ReactorError `too_many_requests` (429), `cold_start_failed` (503), or the reason of `signal`
   */
  async acquire(environment: EnvironmentValues, signal: CancelSignal): Promise<Lease> {
    const { clock, deployment } = this.#options;
    const started = clock.monotonic();
    const { maxConcurrency } = deployment.settings.concurrency;
    this.lastUsed = started;
    // As many may wait as may run: more of them could not begin within the time that they may wait.
    if (this.#running >= maxConcurrency && this.#queued >= maxConcurrency) throw tooMany();
    this.#queued += 1;
    try {
      while (this.#running >= maxConcurrency) await this.#turn(signal, started);
    } finally {
      this.#queued -= 1;
    }
    this.#running += 1;
    const readyBefore = new Set(this.#serving());
    try {
      const instance = await this.#find(environment, signal, started);
      return this.#lease(instance, !readyBefore.has(instance), clock.monotonic() - started);
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  /** Ends what has been idle for `idleTtlMs`, and what is old. */
  reap(idleTtlMs: number): void {
    const now = this.#options.clock.monotonic();
    for (const instance of this.#instances) {
      if (instance.isRetired || !instance.isReady) continue;
      const isIdle = instance.running === 0 && now - instance.idleSince > idleTtlMs;
      if (isIdle || now - instance.startedAt > MAX_AGE_MS || instance.calls > MAX_CALLS) instance.retire();
    }
  }

  /** Nobody new comes; its processes end with the last of the calls that have come. */
  retire(): void {
    this.#isRetired = true;
    if (this.#running === 0) this.#retireInstances();
  }

  #lease(instance: Instance, isCold: boolean, waitedMs: number): Lease {
    let isReleased = false;
    return {
      instance,
      isCold,
      waitedMs,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.lastUsed = this.#options.clock.monotonic();
        instance.free();
        this.#leave();
      },
    };
  }

  #leave(): void {
    this.#running -= 1;
    if (this.#isRetired && this.#running === 0) this.#retireInstances();
    this.changed();
  }

  #retireInstances(): void {
    for (const instance of this.#instances) instance.retire();
  }

  /** Takes one, as long as nothing is awaited in between: two calls must not find the same idle one. */
  async #find(environment: EnvironmentValues, signal: CancelSignal, since: number): Promise<Instance> {
    const blocked = new Set<Instance>();
    for (;;) {
      if (signal.aborted) throw signal.reason;
      const serving = this.#serving();
      const candidates = serving.filter((one) => !blocked.has(one));
      const chosen = candidates.find(({ running }) => running === 0) ?? this.#shared(candidates);
      if (chosen !== undefined) {
        chosen.take();
        if (await chosen.responds(PING_MS)) return chosen;
        chosen.free();
        blocked.add(chosen);
        continue;
      }
      // One start for each call that waits, not more.
      if (this.#mayGrow() && this.#starting <= this.#waiting.length) this.#start(environment);
      else if (serving.length === 0 && this.#starting === 0 && this.#lastFailure !== undefined) throw this.#failed();
      // The first that is ready or free; a blocked one counts again then.
      await this.#turn(signal, since);
      blocked.clear();
    }
  }

  /** Those that may get a call; what starts is counted by `#starting` until it is one of them. */
  #serving(): Instance[] {
    return [...this.#instances].filter(({ isReady, isRetired }) => isReady && !isRetired);
  }

  /** The least busy one, once there may be no more of them. */
  #shared(candidates: readonly Instance[]): Instance | undefined {
    return candidates.length === 0 || this.#mayGrow() ? undefined : leastBusy(candidates);
  }

  #mayGrow(): boolean {
    const { deployment, clock, hasRoom } = this.#options;
    const { maxInstances } = deployment.settings.concurrency;
    return this.#serving().length + this.#starting < maxInstances && clock.monotonic() >= this.#notBefore && hasRoom();
  }

  #start(environment: EnvironmentValues): void {
    this.#starting += 1;
    const began = this.#options.clock.monotonic();
    this.#backoff.started();
    void this.#begin(environment, began).finally(() => {
      this.#starting -= 1;
      this.changed();
    });
  }

  async #begin(environment: EnvironmentValues, began: number): Promise<void> {
    const { logger, clock } = this.#options;
    try {
      const instance = await this.#options.start(environment);
      this.#instances.add(instance);
      void instance.exited.then((exit) => this.#ended(instance, exit));
      await instance.ready;
      this.#lastFailure = undefined;
      this.#options.onColdStart((clock.monotonic() - began) / 1000);
      if (this.#isRetired && this.#running === 0) instance.retire();
    } catch (error) {
      const { delayMs } = this.#backoff.ended();
      this.#notBefore = clock.monotonic() + delayMs;
      this.#lastFailure = reasonOf(error);
      logger.error('process of a function did not start', { reason: this.#lastFailure, retry_in_ms: delayMs });
    }
  }

  #ended(instance: Instance, { how }: ChildExit): void {
    this.#instances.delete(instance);
    if (!instance.hasCrashed && instance.killedFor !== 'memory' && instance.killedFor !== 'unresponsive') return;
    const { logger, clock } = this.#options;
    const { killedFor, memoryLimitMb } = instance;
    const limit = killedFor === 'memory' ? { memory_mb: memoryLimitMb } : {};
    logger.warn('process of a function ended', { how, reason: killedFor ?? 'by itself', ...limit });
    // One that had answered before may have met a bad request.
    this.#deaths = instance.calls > 1 ? 0 : this.#deaths + 1;
    if (this.#deaths < LOOPING_DEATHS) return;
    const { delayMs } = this.#backoff.ended();
    this.#notBefore = clock.monotonic() + delayMs;
    this.#lastFailure = `its process ends with each call: ${how}`;
  }

  #failed() {
    const seconds = Math.max(1, Math.ceil((this.#notBefore - this.#options.clock.monotonic()) / 1000));
    return functionsErrors.create.cold_start_failed('No process of this function could be started.', {
      cause: new Error(this.#lastFailure),
      headers: { 'Retry-After': String(seconds) },
    });
  }

  /** Something may have become free: whoever waits looks again. */
  changed(): void {
    for (const waiter of this.#waiting.splice(0)) waiter.wake();
  }

  /** @throws ReactorError `too_many_requests` (429) after a while in which nothing began or ended */
  async #turn(signal: CancelSignal, since: number): Promise<void> {
    const { clock } = this.#options;
    // While one starts, it is its own time limit that counts.
    const left = this.#starting > 0 ? undefined : Math.max(0, since + QUEUE_MS - clock.monotonic());
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = { wake: () => done() };
      const leave = () => {
        const index = this.#waiting.indexOf(waiter);
        if (index !== -1) this.#waiting.splice(index, 1);
      };
      const timer =
        left === undefined
          ? undefined
          : setTimeout(() => {
              leave();
              done(tooMany());
            }, left);
      const aborted = () => {
        leave();
        done(signal.reason as Error);
      };
      const done = (error?: Error) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', aborted);
        if (error === undefined) resolve();
        else reject(error);
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.push(waiter);
    });
  }
}

function leastBusy(instances: readonly Instance[]): Instance | undefined {
  return instances.toSorted((a, b) => a.running - b.running)[0];
}

function tooMany() {
  return coreErrors.create.too_many_requests('As many calls of this function as it may have run or wait already.', {
    headers: { 'Retry-After': '1' },
  });
}
