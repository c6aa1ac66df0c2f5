import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Installing and packing wait for a disk and a registry; a fifth of this is usual. Milliseconds. */
export const COMMAND_TIMEOUT_MS = 300_000;

/** Runs a command in the folder `cwd` to its end. @throws Error with everything that it printed */
export async function runCommand(cwd: string, command: string, ...args: string[]): Promise<void> {
  try {
    await promisify(execFile)(command, args, { cwd, timeout: COMMAND_TIMEOUT_MS, maxBuffer: 50_000_000 });
  } catch (error) {
    const { message, stdout, stderr } = error as Error & { stdout?: string; stderr?: string };
    throw new Error(`${message}\n${stdout}\n${stderr}`);
  }
}
