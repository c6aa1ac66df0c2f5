import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@reactor/core';
import { type Account, killWithChildren, SupervisedChild } from '@reactor/processes';
import { type EmbeddedPostgresError, explainFailure } from './errors.js';
import { PROGRAM_ENVIRONMENT } from './run.js';
import { LOG_LINE_PREFIX, ServerLog } from './server-log.js';

/** A fast shutdown, an immediate one 30 s later; then it is killed. */
const END_BY = [
  { signal: 'SIGINT', patienceMs: 30_000 },
  { signal: 'SIGQUIT', patienceMs: 5_000 },
] as const;

/** What its supervisor is called, see `findOwner`. */
export const KIND = 'postgres';

/** What a fast shutdown gets in any case; it takes well under a second where no large write is under way. */
const MIN_SHUTDOWN_MS = 5_000;

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
  readonly #child: SupervisedChild;

  constructor({ postgres, dataDirectory, socketDirectory, account, logger }: PostmasterOptions) {
    this.#dataDirectory = dataDirectory;
    const { promise, resolve, reject } = settleLater();
    const log = new ServerLog(logger, resolve);
    this.#child = new SupervisedChild({
      kind: KIND,
      program: postgres,
      args: ['-D', dataDirectory, ...serverSettings(socketDirectory)],
      env: PROGRAM_ENVIRONMENT,
      account,
      endBy: END_BY,
      onLine: (line, stream) => {
        if (stream === 'stderr') log.read(line);
      },
    });
    this.exited = this.#child.exited.then(({ how }) => how);
    this.exited.then((how) =>
      reject(explainFailure(`PostgreSQL ended with ${how} before it was ready`, log.lastWords, dataDirectory)),
    );
    this.ready = promise;
    // Callers that need it await it; a later end of a server that was ready must not be an unhandled rejection.
    this.ready.catch(() => {});
  }

  /**
   * Fast shutdown: sessions are ended, everything is written. Killed when `deadline` aborts, but never before
   * `MIN_SHUTDOWN_MS`: others may have used the deadline up.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#child.end();
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

function settleLater() {
  let resolve: () => void = () => {};
  let reject: (error: EmbeddedPostgresError) => void = () => {};
  const promise = new Promise<void>((onReady, onFailure) => {
    resolve = onReady;
    reject = onFailure;
  });
  return { promise, resolve, reject };
}
