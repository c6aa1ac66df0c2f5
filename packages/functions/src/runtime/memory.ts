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
interface ProcessFacts extends ProcessUsage {
  readonly group: number;
}

/** What the processes of a group use together. */
export interface GroupUsage {
  readonly processes: number;
  readonly residentBytes: number;
}

/** Reads it from /proc; undefined where there is none, or no such process. */
export async function usageOf(pid: number): Promise<ProcessUsage | undefined> {
  return factsOf(pid);
}

/** Of each group that has a process, from /proc; a look at some hundred processes takes some milliseconds. */
export async function usageOfGroups(): Promise<ReadonlyMap<number, GroupUsage>> {
  const groups = new Map<number, GroupUsage>();
  const names = await readdir('/proc').catch(() => []);
  for (const name of names) {
    const facts = /^\d+$/.test(name) ? await factsOf(Number(name)) : undefined;
    if (facts === undefined) continue;
    const { processes = 0, residentBytes = 0 } = groups.get(facts.group) ?? {};
    groups.set(facts.group, { processes: processes + 1, residentBytes: residentBytes + facts.residentBytes });
  }
  return groups;
}

async function factsOf(pid: number): Promise<ProcessFacts | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name before it may hold anything; the fields after it are counted from the third, `state`.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return {
      group: Number(fields[2]),
      residentBytes: Number(fields[21]) * PAGE_BYTES,
      cpuSeconds: ticks / 100,
    };
  } catch {
    return undefined;
  }
}
