import { chmod, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, type Logger, Periodic, reasonOf } from '@reactor/core';
import { type ChildExit, prepareSocketDirectory, type SocketDirectory } from '@reactor/processes';
import type { Deployment } from '../deployment.js';
import type { FunctionsMetrics } from '../metrics.js';
import { type BunRuntime, runs } from './bun.js';
import { Families } from './families.js';
import { Instance } from './instance.js';
import type { EnvironmentValues, OutputLine } from './messages.js';
import { Pool } from './pool.js';
import { factsOf } from './process-facts.js';
import { ProcessBudget } from './processes.js';
import { type InstanceSocket, LONGEST_SOCKET, socketMaker } from './sockets.js';

export interface FunctionRuntimeOptions {
  bun(): Promise<BunRuntime>;
  readonly maxProcesses: number;
  readonly idleTtlMs: number;
  readonly metrics: FunctionsMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** What is to be run: a version of a function, and where its files are. */
export interface Runnable {
  readonly name: string;
  readonly deployment: Deployment;
  /** Absolute path of the module that was built in its bundle. */
  open(signal: AbortSignal): Promise<string>;
}

const USAGE_INTERVAL_MS = 100;
const REAP_INTERVAL_MS = 1_000;
const FAULT_INTERVAL_MS = 5_000;
const MIB = 1_048_576;
/** Of one instance, with all that it started: no handler needs more, and a fork bomb is ended before the machine is full. */
const MAX_PROCESSES_OF_INSTANCE = 64;
/** An event loop that does not answer this long after a call on it was given up is ended. */
export const UNRESPONSIVE_MS = 1_000;

/** All processes of functions of this server. */
export class FunctionRuntime {
  readonly #options: FunctionRuntimeOptions;
  readonly #budget: ProcessBudget;
  /** By function. */
  readonly #pools = new Map<string, Pool>();
  readonly #retired = new Set<Pool>();
  readonly #families = new Families();
  /** Of each instance, until nothing of it is left. */
  readonly #endings = new Set<Promise<void>>();
  readonly #reaping: Periodic;
  readonly #stopping = new AbortController();
  #usageTimer: NodeJS.Timeout | undefined;
  /** Functions whose memory is not 0. */
  readonly #measured = new Set<string>();
  #prepared:
    | Promise<{ readonly shim: string; readonly sockets: SocketDirectory; nextSocket(): Promise<InstanceSocket> }>
    | undefined;
  /** Why the last start of a process failed for reasons of Bun's own, not of a function's. */
  lastFault: string | undefined;
  #checkFaultAt = 0;

  constructor(options: FunctionRuntimeOptions) {
    this.#options = options;
    this.#budget = new ProcessBudget(options.maxProcesses, () => {
      for (const pool of this.#pools.values()) pool.changed();
    });
    this.#reaping = new Periodic({
      intervalMs: REAP_INTERVAL_MS,
      run: async () => {
        this.#reap();
        await this.#checkFamilies();
        await this.#checkFault();
      },
      onEnd(result, error) {
        if (result === 'failed') options.logger.error('looking after processes failed', { error });
      },
    });
  }

  get instances(): ReadonlySet<Instance> {
    return this.#budget.instances;
  }

  /** Functions whose last process did not start, and why. */
  failures(): ReadonlyMap<string, string> {
    const failures = new Map<string, string>();
    for (const { name, lastFailure } of this.#pools.values()) {
      if (lastFailure !== undefined) failures.set(name, lastFailure);
    }
    return failures;
  }

  /** The pool of a deployment, made when it is first asked for. That of another one of its function has had its time. */
  poolOf(runnable: Runnable): Pool {
    const { name, deployment } = runnable;
    const known = this.#pools.get(deployment.functionId);
    if (known?.deployment.id === deployment.id) return known;
    if (known !== undefined) this.retire(deployment.functionId, known.deployment.id);
    const { logger, clock, metrics } = this.#options;
    const pool: Pool = new Pool({
      name,
      deployment,
      logger: logger.with({ function: name, version: deployment.version }),
      clock,
      hasRoom: () => this.#budget.hasRoom(),
      start: (environment) => this.#start(runnable, environment, () => pool.changed()),
      onColdStart: (seconds) => metrics.coldStart(name, seconds),
    });
    this.#pools.set(deployment.functionId, pool);
    return pool;
  }

  /** Ends the processes of a deployment with the calls that run on them. */
  retire(functionId: string, deploymentId: string): void {
    const pool = this.#pools.get(functionId);
    if (pool?.deployment.id !== deploymentId) return;
    this.#pools.delete(functionId);
    this.#retired.add(pool);
    pool.retire();
  }

  /** Makes what processes need. Where that fails, functions are unhealthy and the rest of a server is not. */
  async start(): Promise<void> {
    try {
      await this.#prepare();
    } catch (error) {
      this.lastFault = reasonOf(error);
      this.#options.logger.error('functions cannot run', { error });
    }
    this.#reaping.start();
  }

  /** Lets the calls that have come end, and kills what is left when `deadline` aborts. */
  async stop(deadline: AbortSignal): Promise<void> {
    await this.#reaping.stop(deadline);
    const pools = [...this.#pools.values(), ...this.#retired];
    for (const pool of pools) pool.retire();
    const kill = () => {
      this.#stopping.abort(new Error('the server is stopping'));
      for (const instance of this.#budget.instances) instance.kill('stop');
    };
    if (deadline.aborted) kill();
    else deadline.addEventListener('abort', kill, { once: true });
    while (this.#endings.size > 0) await Promise.all(this.#endings);
    deadline.removeEventListener('abort', kill);
    clearInterval(this.#usageTimer);
    await (await this.#prepared)?.sockets.remove();
  }

  async #start(
    { name, deployment, open }: Runnable,
    environment: EnvironmentValues,
    onChange: () => void,
  ): Promise<Instance> {
    const { metrics, clock } = this.#options;
    const bun = await this.#options.bun();
    const [{ shim, nextSocket }, module] = await Promise.all([this.#prepare(), open(this.#stopping.signal)]);
    const socket = await nextSocket();
    const instance = new Instance({
      binary: bun.binary,
      account: bun.account,
      shim,
      socket,
      entry: module,
      name,
      deployment,
      environment,
      clock,
      events: {
        onOutput: (line) => this.#write(name, deployment, line),
        onKilled: (reason) => metrics.killed(reason),
        onChange,
      },
    });
    this.#budget.add(instance);
    this.#watchUsage();
    metrics.poolSize(name, 1);
    const ending = instance.exited
      .then((exit) => this.#ended(name, instance, exit))
      .finally(() => this.#endings.delete(ending));
    this.#endings.add(ending);
    return instance;
  }

  async #ended(name: string, instance: Instance, exit: ChildExit): Promise<void> {
    const { metrics } = this.#options;
    metrics.poolSize(name, -1);
    // Before the function's own code had a say, it was Bun's or the machine's fault.
    if (instance.hasBooted) this.lastFault = undefined;
    else if (instance.killedFor === undefined) this.lastFault = exit.how;
    if (instance.hasCrashed) metrics.crashed(name);
    if (instance.group !== undefined) await this.#families.end(instance.group);
  }

  /** A line of a function becomes one of the log, with what it belongs to. */
  #write(name: string, { version }: Deployment, { level, message, call, after }: OutputLine): void {
    this.#options.logger[isLevel(level) ? level : 'info']('output', {
      function: name,
      version,
      text: String(message),
      ...(call === undefined ? {} : { request_id: String(call) }),
      ...(after === true ? { after_response: true } : {}),
    });
  }

  #prepare() {
    this.#prepared ??= this.#makeFolders().catch((error) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  async #makeFolders() {
    const { cacheDirectory, account, scripts } = await this.#options.bun();
    const preferred = path.join(cacheDirectory, 'run', 'sockets');
    // Those of an earlier process, which nobody serves any more.
    await rm(preferred, { recursive: true, force: true });
    // Ours, also where functions run under another account: it may enter the folders in it, and no more.
    const sockets = await prepareSocketDirectory({ preferred, longestName: LONGEST_SOCKET, account: undefined });
    if (account !== undefined) await chmod(sockets.path, 0o711);
    // Where it lies elsewhere, they are still there.
    for (const name of await readdir(sockets.path)) await rm(path.join(sockets.path, name), { recursive: true });
    return { shim: path.join(scripts, 'shim.mjs'), sockets, nextSocket: socketMaker(sockets.path, account) };
  }

  #reap(): void {
    for (const [id, pool] of this.#pools) {
      pool.reap(this.#options.idleTtlMs);
      const isUnused = this.#options.clock.monotonic() - pool.lastUsed > this.#options.idleTtlMs;
      if (pool.isEmpty && isUnused) this.#pools.delete(id);
    }
    for (const pool of this.#retired) if (pool.isEmpty) this.#retired.delete(pool);
  }

  /** Kills who has started too much, or whose processes have more memory together than it may. */
  async #checkFamilies(): Promise<void> {
    if (this.#budget.instances.size === 0) return;
    const groups = [...this.#budget.instances].flatMap(({ group }) => group ?? []);
    const families = await this.#families.look(groups);
    for (const instance of this.#budget.instances) {
      const usage = instance.group === undefined ? undefined : families.get(instance.group);
      if (usage === undefined) continue;
      if (usage.processes > MAX_PROCESSES_OF_INSTANCE) instance.kill('processes');
      else if (usage.residentBytes > instance.memoryLimitMb * MIB) instance.kill('memory');
    }
  }

  /** Health fails as long as Bun does not start; while no call comes to show that it does again, this does. */
  async #checkFault(): Promise<void> {
    const { clock, bun } = this.#options;
    if (this.lastFault === undefined || clock.monotonic() < this.#checkFaultAt) return;
    this.#checkFaultAt = clock.monotonic() + FAULT_INTERVAL_MS;
    try {
      await this.#prepare();
      if (await runs(await bun())) this.lastFault = undefined;
    } catch {
      // Still not; it is in the log.
    }
  }

  #watchUsage(): void {
    this.#usageTimer ??= setInterval(() => void this.#readUsage(), USAGE_INTERVAL_MS).unref();
  }

  /** Kills who has more memory than it may; a read of one process takes some 50 µs. */
  async #readUsage(): Promise<void> {
    const { metrics } = this.#options;
    const bytes = new Map<string, number>(Array.from(this.#measured, (name) => [name, 0]));
    for (const instance of this.#budget.instances) {
      const { pid, name, usage: before } = instance;
      const usage = pid === undefined ? undefined : await factsOf(pid);
      if (usage === undefined) continue;
      instance.usage = usage;
      bytes.set(name, (bytes.get(name) ?? 0) + usage.residentBytes);
      metrics.usedCpu(name, Math.max(0, usage.cpuSeconds - before.cpuSeconds));
      if (usage.residentBytes > instance.memoryLimitMb * MIB) instance.kill('memory');
    }
    for (const [name, residentBytes] of bytes) {
      metrics.resident(name, residentBytes);
      if (residentBytes > 0) this.#measured.add(name);
      else this.#measured.delete(name);
    }
    if (this.#budget.instances.size > 0) return;
    clearInterval(this.#usageTimer);
    this.#usageTimer = undefined;
  }
}

function isLevel(level: string): level is OutputLine['level'] {
  return level === 'debug' || level === 'info' || level === 'warn' || level === 'error';
}
