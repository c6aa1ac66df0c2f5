import { readdir, readFile } from 'node:fs/promises';

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** The processes of this machine (Linux), without those that are only waiting to be reaped. */
export async function processes(): Promise<Process[]> {
  const found: Process[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const command = (await readFile(`/proc/${entry}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
      const stat = await readFile(`/proc/${entry}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state !== 'Z') found.push({ pid: Number(entry), parent: Number(parent), command });
    } catch {
      // Gone between the listing and the look.
    }
  }
  return found;
}

/** Processes whose command line names this folder: a server's PostgreSQL, say. */
export async function processesOf(directory: string): Promise<Process[]> {
  return (await processes()).filter(({ command }) => command.includes(directory));
}

/** The main process of the PostgreSQL that a server runs for this folder. */
export async function postmasterOf(directory: string): Promise<number> {
  const mains = (await processesOf(directory)).filter(({ command }) => /^\S*postgres -D /.test(command));
  const main = mains[0];
  if (main === undefined || mains.length > 1) {
    throw new Error(`expected one postmaster of ${directory}, found ${mains.map(({ command }) => command).join('\n')}`);
  }
  return main.pid;
}
