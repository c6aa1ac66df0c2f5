import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

interface Process {
  readonly pid: number;
  readonly ppid: number;
  readonly command: string;
}

async function processes(): Promise<readonly Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-ww', '-ax', '-o', 'pid=,ppid=,command=']);
  return stdout.split('\n').flatMap((line) => {
    const [, pid, ppid, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return command === undefined ? [] : [{ pid: Number(pid), ppid: Number(ppid), command }];
  });
}

/** Pids of every process that names the folder in its command line: PostgreSQL and its supervisor. */
export async function processesOn(directory: string): Promise<number[]> {
  return (await processes()).filter(({ command }) => command.includes(directory)).map(({ pid }) => pid);
}

/** Pids of the shells that end the PostgreSQL on this data directory with its server. */
export async function supervisorsOf(dataDirectory: string): Promise<number[]> {
  const all = await processes();
  return all
    .filter(({ command }) => command.startsWith('/bin/sh') && command.includes(`-D ${dataDirectory} `))
    .map(({ pid }) => pid);
}

export async function postmasterPid(dataDirectory: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDirectory, 'postmaster.pid'), 'utf8'), 10);
}

/** Sends the signal to the postmaster and all its backends. */
export async function signalServer(dataDirectory: string, signal: NodeJS.Signals): Promise<void> {
  const postmaster = await postmasterPid(dataDirectory);
  for (const { pid, ppid } of await processes()) {
    if (pid === postmaster || ppid === postmaster) process.kill(pid, signal);
  }
}
