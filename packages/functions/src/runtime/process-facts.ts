import { readdir, readFile } from 'node:fs/promises';

/** Bytes of a page; the same on all machines that Bun runs on with Linux, but for some ARM ones, where it is more. */
const PAGE_BYTES = 4_096;

/** What a process uses. */
export interface ProcessUsage {
  readonly residentBytes: number;
  /** Of all its threads, user and system. */
  readonly cpuSeconds: number;
}

/** What a process is part of, and uses. */
export interface ProcessFacts extends ProcessUsage {
  readonly parent: number;
  readonly group: number;
  /** Ticks since the machine started; tells it from a later one with its number. */
  readonly startedAt: number;
}

/** All processes by number, from /proc; a look at some hundred of them takes some milliseconds. */
export async function allProcesses(): Promise<ReadonlyMap<number, ProcessFacts>> {
  const processes = new Map<number, ProcessFacts>();
  const names = await readdir('/proc').catch(() => []);
  for (const name of names) {
    const facts = /^\d+$/.test(name) ? await factsOf(Number(name)) : undefined;
    if (facts !== undefined) processes.set(Number(name), facts);
  }
  return processes;
}

/** Reads it from /proc; undefined where there is none, or no such process. */
export async function factsOf(pid: number): Promise<ProcessFacts | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name before it may hold anything; the fields after it are counted from the third, `state`.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return {
      parent: Number(fields[1]),
      group: Number(fields[2]),
      startedAt: Number(fields[19]),
      residentBytes: Number(fields[21]) * PAGE_BYTES,
      cpuSeconds: ticks / 100,
    };
  } catch {
    return undefined;
  }
}
