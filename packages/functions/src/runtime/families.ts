import { allProcesses, factsOf, type ProcessFacts } from './process-facts.js';

/** What the processes of an instance use together. */
export interface FamilyUsage {
  readonly processes: number;
  readonly residentBytes: number;
}

/** One that has left the group of its instance. */
interface Stray {
  readonly group: number;
  /** As `ProcessFacts` has it. */
  readonly startedAt: number;
}

/**
 * The processes of instances: their groups, which end as a whole, and what has left those by `setsid` and the like but was
 * started by one of them. What a look has met is found; one whose parents have all ended before the first look is not.
 */
export class Families {
  /** By number of the process. */
  #strays: ReadonlyMap<number, Stray> = new Map();

  /** @param groups of the instances that run; what the processes of each use */
  async look(groups: readonly number[]): Promise<ReadonlyMap<number, FamilyUsage>> {
    const processes = await allProcesses();
    const known = new Set(groups);
    const families = new Map<number, FamilyUsage>();
    const strays = new Map<number, Stray>();
    for (const [pid, facts] of processes) {
      const group = this.#familyOf(pid, processes, known);
      if (group === undefined) continue;
      const { processes: count = 0, residentBytes = 0 } = families.get(group) ?? {};
      families.set(group, { processes: count + 1, residentBytes: residentBytes + facts.residentBytes });
      if (facts.group !== group) strays.set(pid, { group, startedAt: facts.startedAt });
    }
    this.#strays = strays;
    return families;
  }

  /** Its instance has ended: what has left its group ends too. */
  async end(ended: number): Promise<void> {
    for (const [pid, { group, startedAt }] of this.#strays) {
      if (group === ended && (await factsOf(pid))?.startedAt === startedAt) kill(pid);
    }
  }

  #familyOf(
    pid: number,
    processes: ReadonlyMap<number, ProcessFacts>,
    groups: ReadonlySet<number>,
  ): number | undefined {
    let number = pid;
    for (let one = processes.get(number); one !== undefined; one = processes.get(number)) {
      if (groups.has(one.group)) return one.group;
      const stray = this.#strays.get(number);
      if (stray?.startedAt === one.startedAt && groups.has(stray.group)) return stray.group;
      number = one.parent;
    }
    return undefined;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
