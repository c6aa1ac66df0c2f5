import { spawn } from 'node:child_process';
import type { Account } from './account.js';

/** How a program ended and what it said. */
export interface RunResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** As whom a program runs. It has no time limit and no input. */
export interface RunOptions {
  /** Everything the program finds in its environment; nothing of ours is added. */
  readonly env: Readonly<Record<string, string>>;
  /** Only root may name one. Default: our own. */
  readonly account?: Account | undefined;
}

/** What is kept of each stream: enough for an error message. */
const MAX_OUTPUT = 64 * 1024;

/**
 * Runs a short program to its end.
 * @throws the system error when it cannot be started, with `code` such as EACCES or ENOENT
 */
export function run(file: string, args: readonly string[], { env, account }: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // The working directory may be one that the other account cannot enter.
      cwd: '/',
      env,
      ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(-MAX_OUTPUT);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-MAX_OUTPUT);
    });
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}
