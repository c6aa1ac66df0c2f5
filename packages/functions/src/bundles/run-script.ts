import { constants } from 'node:fs';
import { chmod, chown, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SupervisedChild } from '@reactor/processes';
import { z } from 'zod';
import { functionsErrors } from '../errors.js';
import type { BunRuntime } from '../runtime/bun.js';

/** One thing that is wrong with a bundle. The file is relative to its root. */
const problem = z.object({
  file: z.string().max(1024).optional(),
  line: z.int().optional(),
  column: z.int().optional(),
  message: z.string(),
});

const answer = z.object({
  errors: z.array(problem).max(20),
  exports: z.array(z.string()).max(20).optional(),
});

/** What a script found wrong. */
export type Problem = z.infer<typeof problem>;

/** How a script ended. */
export type ScriptEnd =
  | { readonly how: 'answered'; readonly answer: z.infer<typeof answer> }
  | { readonly how: 'ended'; readonly exit: string; readonly lastWords: string }
  | { readonly how: 'timed out' };

/** What a script of ours is run for. */
export interface ScriptRun {
  /** A file of `runtime/`. */
  readonly script: 'build.mjs' | 'check.mjs';
  /** Before the folder for its output, which is the last argument. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** An empty folder will be made here, which belongs to the account of the run. */
  readonly out: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
}

/** Of an answer; a few errors need a few kB. */
const MAX_ANSWER_BYTES = 256 * 1024;

const MIB = 1_048_576;
/** Of a file that a script writes. */
const MAX_FILE_BYTES = 256 * MIB;

/**
 * Runs a script in Bun under the account of functions, in an environment with nothing of ours. It never outlives us, and
 * what it started ends with it.
 * @throws the reason of `signal`; ReactorError `cold_start_failed` (503) when Bun or the script cannot be run
 */
export async function runScript(bun: BunRuntime, run: ScriptRun, signal: AbortSignal): Promise<ScriptEnd> {
  signal.throwIfAborted();
  const { account } = bun;
  await mkdir(run.out, { mode: 0o700 });
  // Whatever the umask of this process is.
  await chmod(run.out, 0o700);
  if (account !== undefined) await chown(run.out, account.uid, account.gid);
  const script = join(bun.scripts, run.script);
  const child = new SupervisedChild({
    kind: 'bun',
    program: bun.binary,
    args: [
      // It neither installs what is missing nor reads settings or variables from the folder it runs in.
      '--no-install',
      '--no-env-file',
      '--config=/dev/null',
      script,
      ...run.args,
      run.out,
    ],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: run.out, TMPDIR: run.out, DO_NOT_TRACK: '1' },
    cwd: run.cwd,
    account,
    limits: { dataBytes: run.memoryMb * MIB, fileBytes: MAX_FILE_BYTES },
    endBy: [],
    onLine: () => {},
  });
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill();
  }, run.timeoutMs);
  const abort = () => child.kill();
  signal.addEventListener('abort', abort, { once: true });
  const exit = await child.exited;
  clearTimeout(timer);
  signal.removeEventListener('abort', abort);
  signal.throwIfAborted();
  if (timedOut) return { how: 'timed out' };
  const written = await readAnswer(join(run.out, 'answer.json'));
  if (exit.exitCode === 0 && written !== undefined) return { how: 'answered', answer: written };
  // What the shell says of a program that it cannot run, and Bun of a script that it cannot read.
  if ([126, 127].includes(exit.exitCode ?? 0) || exit.stderrTail.includes(`Module not found '${script}'`)) {
    throw functionsErrors.create.cold_start_failed(
      'Bun cannot be started on this server; nothing is wrong with the bundle.',
      {
        cause: new Error(`${exit.how}: ${exit.stderrTail}`),
        headers: { 'Retry-After': '5' },
      },
    );
  }
  return { how: 'ended', exit: exit.how, lastWords: exit.stderrTail };
}

async function readAnswer(path: string): Promise<z.infer<typeof answer> | undefined> {
  try {
    const text = (await readOwn(path, MAX_ANSWER_BYTES)).toString('utf8');
    return answer.parse(JSON.parse(text));
  } catch {
    // It is the module's to spoil: then there was no answer.
    return undefined;
  } finally {
    await rm(path, { force: true });
  }
}

/** A regular file that another account may have put there, instead of a link or a pipe. */
async function readOwn(path: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const info = await file.stat();
    if (!info.isFile() || info.size > maxBytes) throw new Error(`${path} is no answer`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
