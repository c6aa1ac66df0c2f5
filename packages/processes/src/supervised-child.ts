import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { Account } from './account.js';
import { Lines } from './lines.js';
import { supervisorName } from './owner.js';
import { slowDown } from './slow-down.js';
import { type EndStep, type ResourceLimits, SET_BY_SHELLS, supervisorScript } from './supervisor.js';

/** What to run, and how it ends. */
export interface SuperviseOptions {
  /** What it is, in lower case, for `findOwner`: `postgres`. */
  readonly kind: string;
  /** The program, by an absolute path or a name in the `PATH` of `env`. */
  readonly program: string;
  readonly args: readonly string[];
  /**
   * Everything it finds in its environment. Names have letters, digits and `_`, and are not PWD, OLDPWD or SHLVL: the shell
   * passes on no others.
   */
  readonly env: Readonly<Record<string, string>>;
  /** Default `/`: our own may be one that another account cannot enter. */
  readonly cwd?: string;
  /** Only root may name one. Default: our own. */
  readonly account?: Account | undefined;
  /**
   * What is tried to end it before it is killed; an empty list kills it at once. SIGINT and SIGQUIT reach only those who
   * handle them: a shell starts its children with both ignored.
   */
  readonly endBy: readonly EndStep[];
  /** Default: those of our own. */
  readonly limits?: ResourceLimits;
  /** Whether it gets descriptor 4, a socket whose other end is `channel`. */
  readonly hasChannel?: boolean;
  /** Bytes of its output that are read in a second; one that writes more waits. Default: no bound. */
  readonly outputBytesPerSecond?: number;
  /** Told each line that it writes. One of more than 8 kB comes in pieces. */
  onLine(line: string, stream: 'stdout' | 'stderr'): void;
}

/** How a child ended. */
export interface ChildExit {
  /** Null when a signal ended it, or when it could not be started. */
  readonly exitCode: number | null;
  /** Null when it ended by itself. An exit code of 128 and the number of a signal is taken for that signal, as shells mean it. */
  readonly signal: NodeJS.Signals | null;
  /** In words: `exit code 1`, `signal SIGKILL`, or why it could not be started. */
  readonly how: string;
  /** The last lines of its standard error, joined by line ends. */
  readonly stderrTail: string;
}

/** Enough for a stack trace and the words before it. */
const TAIL_LINES = 20;

/**
 * How long the last words of an ended child may take to arrive. They are in the pipe by then, but a process that left
 * its group may hold the pipe open.
 */
const LAST_WORDS_MS = 200;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * A child process that never outlives us, however we end: a shell beside it ends it, see `supervisorScript`. It ends with
 * the whole of its process group; only those who leave that (`setsid`) are not reached.
 */
export class SupervisedChild {
  /** Settles when it has ended and its last words were read. Never rejects. */
  readonly exited: Promise<ChildExit>;
  /** The other end of its descriptor 4. Undefined where none was asked for, or the child could not be started. */
  readonly channel: Socket | undefined;
  /** Its process id, as soon as the shell beside it has told. */
  pid: number | undefined;
  readonly #supervisor: ChildProcess;
  readonly #tail: string[] = [];

  /**
   * Starts it.
   * @throws the system error when the shell cannot be started, such as EPERM for another account
   * @throws TypeError for a name in `env` that a shell does not pass on
   */
  constructor(options: SuperviseOptions) {
    const { kind, program, args, env, cwd = '/', account, endBy, limits, hasChannel = false } = options;
    refuseOddNames(Object.keys(env));
    const script = ['-c', supervisorScript(endBy, limits), supervisorName(kind, process.pid), program, ...args];
    this.#supervisor = spawn('/bin/sh', script, {
      cwd,
      env,
      // A session of its own: the Ctrl-C of a terminal is for us, and the group can be killed as a whole.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...(hasChannel ? (['pipe'] as const) : [])],
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    });
    this.channel = (this.#supervisor.stdio?.[4] ?? undefined) as Socket | undefined;
    // Whoever writes to a child that has ended learns it from `exited`.
    this.channel?.on('error', () => {});
    this.exited = this.#untilExited(options);
  }

  /** Takes the child through the steps of `endBy`; it is killed after the last. Safe twice, and when it has ended. */
  end(): void {
    this.#lifeline?.end();
  }

  /** Of all that it starts and that does not leave it; undefined where it could not be started. */
  get group(): number | undefined {
    return this.#supervisor.pid;
  }

  /** Kills it and its group at once. Safe twice, and when it has ended. */
  kill(): void {
    const { pid, exitCode, signalCode } = this.#supervisor;
    // A pid that was waited for may be another process by now.
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
  }

  get #lifeline(): Socket | undefined {
    // None of the pipes is there when the system has no descriptors left.
    return this.#supervisor.stdio?.[3] as Socket | undefined;
  }

  async #untilExited({ onLine, cwd = '/', outputBytesPerSecond }: SuperviseOptions): Promise<ChildExit> {
    const supervisor = this.#supervisor;
    readLines(supervisor.stdout, (line) => onLine(line, 'stdout'));
    readLines(supervisor.stderr, (line) => {
      this.#tail.push(line);
      if (this.#tail.length > TAIL_LINES) this.#tail.shift();
      onLine(line, 'stderr');
    });
    if (outputBytesPerSecond !== undefined) {
      for (const stream of [supervisor.stdout, supervisor.stderr]) slowDown(stream, outputBytesPerSecond);
    }
    let told = '';
    this.#lifeline?.setEncoding('latin1').on('data', (text: string) => {
      told += text;
      const end = told.indexOf('\n');
      if (end !== -1) this.pid ??= Number(told.slice(0, end));
    });
    // The watcher goes with the child; that its end of the pipe breaks means nothing.
    this.#lifeline?.on('error', () => {});
    // Before the next turn of the loop: both may come in one.
    const closed = new Promise<void>((resolve) => supervisor.once('close', () => resolve()));
    const failure = await new Promise<Error | undefined>((resolve) => {
      supervisor.once('error', resolve);
      supervisor.once('exit', () => resolve(undefined));
    });
    // The system has one code for a shell and for a folder that is not there.
    if (failure !== undefined) return this.#exit(null, null, `${failure.message} in the folder ${cwd}`);
    await this.#closedSoon(closed);
    const [, status = ''] = told.split('\n');
    const code = Number(status);
    // The shell was ended from outside. Its watcher has been told by the end of the lifeline, and ends the child.
    if (status === '') return this.#exit(supervisor.exitCode, supervisor.signalCode);
    const signal = signalOf(code - 128);
    return signal === undefined ? this.#exit(code, null) : this.#exit(null, signal);
  }

  /** Waits until all pipes are closed, and closes them when that takes too long. */
  async #closedSoon(closed: Promise<void>): Promise<void> {
    const { stdout, stderr } = this.#supervisor;
    const timer = setTimeout(() => {
      for (const pipe of [stdout, stderr, this.#lifeline, this.channel]) pipe?.destroy();
    }, LAST_WORDS_MS);
    await closed;
    clearTimeout(timer);
  }

  #exit(exitCode: number | null, signal: NodeJS.Signals | null, failure?: string): ChildExit {
    const how = failure ?? (signal === null ? `exit code ${exitCode}` : `signal ${signal}`);
    return { exitCode, signal, how, stderrTail: this.#tail.join('\n') };
  }
}

function refuseOddNames(names: readonly string[]): void {
  const odd = names.find((name) => !NAME.test(name) || SET_BY_SHELLS.includes(name));
  if (odd === undefined) return;
  const accepted = `letters, digits and _, no digit first, and not ${SET_BY_SHELLS.join(', ')}`;
  throw new TypeError(`the variable ${JSON.stringify(odd)} cannot be passed on; accepted are ${accepted}`);
}

function readLines(stream: Readable | null, onLine: (line: string) => void): void {
  const lines = new Lines(onLine);
  stream?.setEncoding('utf8').on('data', (text: string) => lines.push(text));
  stream?.once('close', () => lines.end());
}

function signalOf(number: number): NodeJS.Signals | undefined {
  const found = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return found as NodeJS.Signals | undefined;
}
