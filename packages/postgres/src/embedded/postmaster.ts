import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@reactor/core';
import { type Account, killWithChildren, supervisorName } from '@reactor/processes';
import { type EmbeddedPostgresError, explainFailure } from './errors.js';
import { PROGRAM_ENVIRONMENT } from './run.js';
import { LOG_LINE_PREFIX, ServerLog } from './server-log.js';

/**
 * Runs PostgreSQL beside a watcher that reads descriptor 3. Its other end is ours, so that it ends when this process
 * does, however it ends: then, or when we close it, PostgreSQL gets a fast shutdown, an immediate one 30 s later, and
 * is killed 5 s after that.
 */
const SUPERVISOR = `
"$@" 3<&- &
p=$!
(
  read -r _ <&3
  kill -INT "$p"; i=0
  while kill -0 "$p" && [ "$i" -lt 300 ]; do sleep 0.1; i=$((i + 1)); done
  kill -QUIT "$p"; i=0
  while kill -0 "$p" && [ "$i" -lt 50 ]; do sleep 0.1; i=$((i + 1)); done
  kill -KILL "$p"
) >/dev/null 2>&1 &
w=$!
exec 3<&- 2>/dev/null
wait "$p"
r=$?
kill "$w"
exit "$r"
`;

/** What its supervisor is called, see `supervisorName`. */
export const KIND = 'postgres';

/** What a fast shutdown gets in any case; it takes well under a second where no large write is under way. */
const MIN_SHUTDOWN_MS = 5_000;

/** How long the last words of an ended server may take to arrive; they are in the pipe by then. */
const LAST_WORDS_MS = 200;

/** What we rely on, whatever postgresql.conf says. */
function serverSettings(socketDirectory: string): string[] {
  const settings = {
    listen_addresses: '',
    // Part of the socket's name.
    port: '5432',
    // A list of names; quotes keep a comma or a space in ours from splitting it.
    unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    log_destination: 'stderr',
    logging_collector: 'off',
    lc_messages: 'C',
    log_line_prefix: LOG_LINE_PREFIX,
    log_min_messages: 'warning',
    // Statements and row values hold what users keep secret; the error itself reaches the one who sent the statement.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_statement: 'none',
    log_min_duration_statement: '-1',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

export interface PostmasterOptions {
  readonly postgres: string;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly account: Account | undefined;
  readonly logger: Logger;
}

/** One run of the PostgreSQL server, from its start to its end. */
export class Postmaster {
  /** Settles when it accepts connections; rejects when it ends before. */
  readonly ready: Promise<void>;
  /** Settles when it has ended, with how: `exit code 1`, `signal SIGKILL`. Never rejects. */
  readonly exited: Promise<string>;
  readonly #dataDirectory: string;
  readonly #lifeline;

  constructor({ postgres, dataDirectory, socketDirectory, account, logger }: PostmasterOptions) {
    this.#dataDirectory = dataDirectory;
    const command = [postgres, '-D', dataDirectory, ...serverSettings(socketDirectory)];
    const child = spawn('/bin/sh', ['-c', SUPERVISOR, supervisorName(KIND, process.pid), ...command], {
      cwd: '/',
      env: PROGRAM_ENVIRONMENT,
      // A session of its own: the Ctrl-C of a terminal is for us, and PostgreSQL ends when we have drained.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    });
    this.#lifeline = child.stdio[3] as NodeJS.WritableStream & { destroy(): void };
    // The watcher goes with PostgreSQL; its end of the pipe breaking is no news.
    this.#lifeline.on('error', () => {});
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(describeExit(code, signal)));
    });
    const { promise, resolve, reject } = settleLater();
    const log = new ServerLog(logger, resolve);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => log.push(text));
    const said = new Promise<void>((done) => child.stderr?.once('close', done));
    this.exited.then(async (how) => {
      this.#lifeline.destroy();
      // Backends that outlive a killed postmaster hold the pipe, so its end must not be waited for without limit.
      const timer = setTimeout(() => child.stderr?.destroy(), LAST_WORDS_MS);
      await said;
      clearTimeout(timer);
      reject(explainFailure(`PostgreSQL ended with ${how} before it was ready`, log.lastWords, dataDirectory));
    });
    this.ready = promise;
    // Whoever needs to know awaits it; a later end of a server that was ready is no unhandled rejection.
    this.ready.catch(() => {});
  }

  /**
   * Fast shutdown: sessions are ended, everything is written. Killed when `deadline` aborts, but never before
   * `MIN_SHUTDOWN_MS`: others may have used the deadline up.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#lifeline.destroy();
    const kill = () => void this.#kill();
    const arm = () => {
      deadline.addEventListener('abort', kill, { once: true });
      if (deadline.aborted) kill();
    };
    const timer = setTimeout(arm, MIN_SHUTDOWN_MS);
    await this.exited;
    clearTimeout(timer);
    deadline.removeEventListener('abort', kill);
  }

  /**
   * An immediate shutdown may not come through when the server is frozen; a kill does, and the next start recovers. Its
   * backends too, which are no process group: frozen ones would hold on to the shared memory for which the next
   * postmaster is refused.
   */
  async #kill(): Promise<void> {
    const pid = await readPostmasterPid(this.#dataDirectory);
    if (pid !== undefined) await killWithChildren(pid);
  }
}

/** The process id in `postmaster.pid`; undefined when there is no such file. */
export async function readPostmasterPid(dataDirectory: string): Promise<number | undefined> {
  const text = await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return Number.isInteger(pid) && pid > 1 ? pid : undefined;
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `signal ${signal}`;
  // The shell's way to say that a signal ended its child.
  return code !== null && code > 128 ? `signal ${code - 128}` : `exit code ${code}`;
}

function settleLater() {
  let resolve: () => void = () => {};
  let reject: (error: EmbeddedPostgresError) => void = () => {};
  const promise = new Promise<void>((onReady, onFailure) => {
    resolve = onReady;
    reject = onFailure;
  });
  return { promise, resolve, reject };
}
