import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const RUN_SOURCE = fileURLToPath(new URL('run-source.mjs', import.meta.url));

/** A process that a test has started. */
export interface Child {
  readonly process: ChildProcessByStdio<null, Readable, null>;
  /** Lines of its standard output, as they come. */
  readonly lines: AsyncIterableIterator<string>;
  /** Resolves when it has ended, to its exit code or the name of the signal. */
  readonly ended: Promise<number | string>;
}

/**
 * Runs `main(...args)` of a TypeScript module in a process of its own, which ends with the test.
 * @param through a command that runs it, e.g. `['sh', '-c', 'ulimit …; exec "$@"', 'sh']`
 */
export function runInChild(module: URL, args: readonly string[], through: readonly string[] = []): Child {
  const file = fileURLToPath(module);
  const [command, ...rest] = [...through, process.execPath, RUN_SOURCE, file, ...args] as [string, ...string[]];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  return { process: child, lines: createInterface(child.stdout)[Symbol.asyncIterator](), ended };
}

/** What a child that ran to its end has printed, as JSON. */
export async function outputOf(child: Child): Promise<unknown> {
  let text = '';
  for await (const line of child.lines) text += line;
  const end = await child.ended;
  if (end !== 0) throw new Error(`the child ended with ${end}: ${text}`);
  return JSON.parse(text);
}
