import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Whether there is such a process, also one of another account. A zombie counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The program and its arguments with a space between them. Empty when there is no such process. Linux without ps, as in small container images, has only /proc. */
export async function commandLine(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    return (await execute('ps', ['-ww', '-o', 'command=', '-p', String(pid)])).stdout;
  } catch {
    return '';
  }
}

/** Undefined when there is no such process. */
export async function parentOf(pid: number): Promise<number | undefined> {
  try {
    if (process.platform === 'linux') {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      // The second field is the program's name in parentheses and may hold anything; the fourth is the parent.
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    }
    return Number((await execute('ps', ['-o', 'ppid=', '-p', String(pid)])).stdout);
  } catch {
    return undefined;
  }
}

/** Kills a process and its children, where those do not form a process group. */
export async function killWithChildren(parent: number): Promise<void> {
  for (const pid of [...(await childrenOf(parent)), parent]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const list =
    process.platform === 'linux'
      ? readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
      : execute('pgrep', ['-P', String(pid)]).then(({ stdout }) => stdout);
  const text = await list.catch(() => '');
  return text.split(/\s+/).filter(Boolean).map(Number);
}
