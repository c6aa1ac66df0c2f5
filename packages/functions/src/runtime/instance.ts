import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { CancelSignal, Clock } from '@reactor/core';
import { type Account, type ChildExit, SupervisedChild } from '@reactor/processes';
import { Pool as ConnectionPool } from 'undici';
import type { Deployment } from '../deployment.js';
import { Channel } from './channel.js';
import { Exchange } from './exchange.js';
import { Holds } from './holds.js';
import type { EnvironmentValues, FromShim, OutputLine } from './messages.js';
import { processEnvironment } from './process-environment.js';
import type { ProcessUsage } from './process-facts.js';
import type { InstanceSocket } from './sockets.js';

/** Why an instance was killed, and did not end by itself. */
export const KILL_REASONS = ['memory', 'unresponsive', 'start', 'stop', 'protocol', 'processes'] as const;
export type KillReason = (typeof KILL_REASONS)[number];

/** What an instance is told and tells. */
export interface InstanceEvents {
  onOutput(line: OutputLine): void;
  onKilled(reason: KillReason): void;
  /** It has become free for another call, or has ended. */
  onChange(): void;
}

/** What to start. */
export interface InstanceOptions {
  readonly binary: string;
  /** Absolute path of `runtime/shim.mjs`, where the account can read it. */
  readonly shim: string;
  readonly account: Account | undefined;
  readonly socket: InstanceSocket;
  /** Absolute path of the built module. */
  readonly entry: string;
  readonly name: string;
  readonly deployment: Deployment;
  readonly environment: EnvironmentValues;
  readonly clock: Clock;
  readonly events: InstanceEvents;
}

/** Of an import; `bun build` has looked at the bundle before. */
const START_MS = 10_000;
/** An event loop that has said something within this time is not asked again whether it runs. */
const FRESH_MS = 100;
/** A function may give this many bytes a second to the standard streams, past the shim. */
const OUTPUT_BYTES_PER_SECOND = 262_144;
const MIB = 1_048_576;
/** Bun reserves more than it uses: below 384 MB it does not start. The watcher on resident memory comes first. */
const DATA_LIMIT_BASE_BYTES = 512 * MIB;
/** One that opens more is at fault. */
const OPEN_FILES = 1_024;
/** As long as a process may be without a call. */
const CONNECTION_IDLE_MS = 3_600_000;
/** Of what it writes to a file: what a disk has room for by accident. */
const FILE_BYTES = 256 * MIB;

/** A request as it goes to the process of a function. */
export interface InstanceRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One process of one version of a function. */
export class Instance {
  /** @throws Error that says why it did not start */
  readonly ready: Promise<void>;
  readonly exited: Promise<ChildExit>;
  readonly startedAt: number;
  /** Calls that run on it, and those whose `waitUntil` does. */
  running = 0;
  /** Calls that it was given. */
  calls = 0;
  /** It takes no more calls, and ends with the last one. */
  isRetired = false;
  /** Bun runs, and nothing of the function has yet. */
  hasBooted = false;
  isReady = false;
  /** It ended although nobody told it to. */
  hasCrashed = false;
  hasEnded = false;
  /** Monotonic milliseconds at which the last call ended. */
  idleSince: number;
  killedFor: KillReason | undefined;
  /** Of its process, when it was last looked at. */
  usage: ProcessUsage = { residentBytes: 0, cpuSeconds: 0 };
  readonly mark = randomBytes(16).toString('hex');
  readonly #options: InstanceOptions;
  readonly #child: SupervisedChild;
  readonly #channel: Channel | undefined;
  readonly #connections: ConnectionPool;
  #settleReady: { resolve(): void; reject(error: Error): void } = { resolve() {}, reject() {} };
  #lastWord: number;
  #asked = 0;
  readonly #pongs = new Map<number, () => void>();
  readonly #holds: Holds;
  /** It was told to end. */
  #isEnding = false;
  /** A connection to it broke. */
  #hasBroken = false;
  #isSealed = false;
  #environmentRevision: number;

  constructor(options: InstanceOptions) {
    this.#options = options;
    const { binary, shim, account, socket, entry, name, deployment, environment, clock, events } = options;
    this.startedAt = clock.monotonic();
    this.idleSince = this.startedAt;
    this.#lastWord = this.startedAt;
    this.#environmentRevision = environment.revision;
    this.#holds = new Holds(deployment.settings.limits.timeoutMs);
    this.#connections = new ConnectionPool('http://function', {
      socketPath: socket.path,
      // A quiet connection is a file descriptor; the limits of a call are the invoker's.
      keepAliveTimeout: CONNECTION_IDLE_MS,
      headersTimeout: 0,
      bodyTimeout: 0,
      // What comes back is the app's: whether it fits is for the server in front to say.
      maxHeaderSize: 65_536,
    });
    this.#child = new SupervisedChild({
      kind: 'function',
      program: binary,
      // It installs nothing that a module asks for, and reads no file of the folder that it starts in.
      args: ['--no-install', '--no-env-file', '--config=/dev/null', '--smol', shim],
      env: processEnvironment(account),
      account,
      endBy: [{ signal: 'SIGTERM', patienceMs: 1_000 }],
      hasChannel: true,
      outputBytesPerSecond: OUTPUT_BYTES_PER_SECOND,
      limits: {
        dataBytes: DATA_LIMIT_BASE_BYTES + 2 * deployment.settings.limits.memoryMb * MIB,
        openFiles: OPEN_FILES,
        fileBytes: FILE_BYTES,
      },
      // What goes past the shim: of Bun itself, or written to the descriptor.
      onLine: (message, stream) => events.onOutput({ level: stream === 'stdout' ? 'info' : 'warn', message }),
    });
    this.ready = this.#untilReady();
    // Whoever takes it waits for it; one that nobody waits for must not end the server.
    this.ready.catch(() => {});
    this.exited = this.#untilExited();
    const pipe = this.#child.channel;
    if (pipe === undefined) return;
    this.#channel = new Channel(
      pipe,
      (message) => this.#heard(message),
      () => this.kill('protocol'),
    );
    const { version } = deployment;
    this.#channel.send({ start: { entry, socket: socket.path, mark: this.mark, name, version, environment } });
  }

  /** Of its process; what it says itself is not believed. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Of its process and of all that it started. */
  get group(): number | undefined {
    return this.#child.group;
  }

  /** Of the function. */
  get name(): string {
    return this.#options.name;
  }

  /** Of its resident size. */
  get memoryLimitMb(): number {
    return this.#options.deployment.settings.limits.memoryMb;
  }

  /** Whether its event loop runs: it has said something just now, or says so within `patienceMs`. */
  async responds(patienceMs: number): Promise<boolean> {
    if (this.hasEnded) return false;
    if (this.#options.clock.monotonic() - this.#lastWord < FRESH_MS) return true;
    this.#asked += 1;
    const number = this.#asked;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#pongs.delete(number);
        resolve(false);
      }, patienceMs);
      this.#pongs.set(number, () => {
        clearTimeout(timer);
        resolve(true);
      });
      this.#channel?.send({ ping: number });
    });
  }

  /** A call begins; the pool has chosen it. */
  take(): void {
    this.running += 1;
    this.calls += 1;
  }

  /** That call, or its `waitUntil`, has ended. */
  free(): void {
    this.running -= 1;
    this.idleSince = this.#options.clock.monotonic();
    this.#endWhenDone();
    this.#options.events.onChange();
  }

  retire(): void {
    this.isRetired = true;
    this.#endWhenDone();
  }

  kill(reason: KillReason): void {
    if (this.hasEnded || this.killedFor !== undefined) return;
    this.killedFor = reason;
    this.isRetired = true;
    this.#options.events.onKilled(reason);
    this.#child.kill();
  }

  /**
   * Sends a request to it.
   * @param environment what the call must find; sent before the request where the process does not have it yet
   * @param signal gives the call up: the handler sees its `request.signal` abort
   * @throws the error of the connection when the process ended, or the reason of `signal`
   */
  async send(
    { headers, ...target }: InstanceRequest,
    body: AsyncIterable<Uint8Array> | undefined,
    call: { readonly id: string; readonly environment: EnvironmentValues; readonly signal: CancelSignal },
  ): Promise<Exchange> {
    const { environment, id, signal } = call;
    if (environment.revision > this.#environmentRevision) {
      this.#environmentRevision = environment.revision;
      this.#channel?.send({ environment });
    }
    const exchange = new Exchange(signal, () => {
      // Its process ends, or does not do what it should: nobody else is sent there.
      this.#hasBroken = true;
      this.retire();
    });
    const options = { ...target, headers: { ...headers, 'x-reactor-call': `${id} ${environment.revision}` } };
    // Its types do not know that it takes whatever can be iterated.
    this.#connections.dispatch({ ...options, body: (body ?? null) as Readable | null }, exchange);
    await exchange.begun;
    this.#lastWord = this.#options.clock.monotonic();
    return exchange;
  }

  /** Ends it when it does not react: a call on it was given up, and its handler may have left nothing but a loop. */
  async endUnlessResponds(patienceMs: number): Promise<void> {
    if (!(await this.responds(patienceMs))) this.kill('unresponsive');
  }

  #heard(message: FromShim): void {
    this.#lastWord = this.#options.clock.monotonic();
    if ('log' in message) this.#options.events.onOutput(message.log);
    else if ('pong' in message) {
      this.#pongs.get(message.pong)?.();
      this.#pongs.delete(message.pong);
    } else if ('booted' in message) this.hasBooted = true;
    else if ('hold' in message) this.#hold(message.hold);
    else if ('free' in message) this.#release(message.free);
    else if ('late' in message) this.retire();
    else if ('ready' in message && !this.#isSealed) {
      this.#isSealed = true;
      void this.#serves();
    } else if ('failed' in message) this.#settleReady.reject(new Error(message.failed));
  }

  /** It listens, it says: calls come from now on. */
  async #serves(): Promise<void> {
    try {
      await this.#options.socket.seal();
      this.#settleReady.resolve();
    } catch (error) {
      this.#settleReady.reject(error as Error);
      this.kill('protocol');
    }
  }

  /** `waitUntil` keeps it from ending, as long as a call may last and no longer. */
  #hold(call: string): void {
    const isHeld = this.#holds.add(call, () => {
      const message = 'waitUntil lasted longer than limits.timeout_ms; its process is retired';
      this.#options.events.onOutput({ level: 'warn', message, call, after: true });
      this.retire();
      this.#release(call);
    });
    if (isHeld) this.running += 1;
    else this.kill('protocol');
  }

  #release(call: string): void {
    if (this.#holds.release(call)) this.free();
  }

  #endWhenDone(): void {
    if (!this.isRetired || this.running > 0) return;
    this.#isEnding = true;
    this.#child.end();
  }

  async #untilReady(): Promise<void> {
    const timer = setTimeout(() => {
      this.#settleReady.reject(new Error(`it was not ready within ${START_MS} ms`));
      this.kill('start');
    }, START_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settleReady = { resolve, reject };
      });
      this.isReady = true;
    } finally {
      clearTimeout(timer);
    }
  }

  async #untilExited(): Promise<ChildExit> {
    const exit = await this.#child.exited;
    this.hasEnded = true;
    // One that was told to end may have been dying before: then it does not end by what it was told.
    const { exitCode, signal } = exit;
    const inPeace = exitCode === 0 && !this.#hasBroken;
    const asTold = this.#isEnding && (inPeace || signal === 'SIGTERM' || signal === 'SIGKILL');
    this.hasCrashed = this.isReady && this.killedFor === undefined && !asTold;
    this.isRetired = true;
    const tail = exit.stderrTail === '' ? '' : `: ${exit.stderrTail}`;
    this.#settleReady.reject(new Error(`its process ended with ${exit.how}${tail}`));
    this.#holds.clear();
    void this.#connections.destroy();
    await this.#options.socket.remove();
    this.#options.events.onChange();
    return exit;
  }
}
