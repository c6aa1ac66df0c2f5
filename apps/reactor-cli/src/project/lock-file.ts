import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from './files.js';

/** The server that a state directory's lock names. */
export interface LockedBy {
  readonly pid: number;
  /** RFC 3339. */
  readonly startedAt: string;
  /** Absent until the server listens. */
  readonly url?: string;
  /** False for one that died without removing its lock. */
  readonly alive: boolean;
}

/**
 * Reads `server.pid`: the pid on the first line, the rest as JSON on the second.
 * @returns undefined when there is no lock, or one that cannot be understood
 */
export async function readLockFile(stateDirectory: string): Promise<LockedBy | undefined> {
  const text = await readIfThere(join(stateDirectory, 'server.pid'));
  if (text === undefined) return undefined;
  const [first = '', json = ''] = text.split('\n');
  const pid = Number(first);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  let record: { startedAt?: unknown; url?: unknown; processStart?: unknown };
  try {
    record = JSON.parse(json);
  } catch {
    return undefined;
  }
  return {
    pid,
    startedAt: String(record.startedAt),
    ...(typeof record.url === 'string' ? { url: record.url } : {}),
    alive: await isAlive(pid, record.processStart),
  };
}

/** A pid is given to another process later, in a container soon; with its start it names one for good. */
async function isAlive(pid: number, processStart: unknown): Promise<boolean> {
  if (process.platform === 'linux' && typeof processStart === 'string') {
    return (await processStartOf(pid)) === processStart;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** `<boot id>/<start in ticks>`, as the server writes it. */
async function processStartOf(pid: number): Promise<string | undefined> {
  try {
    const [stat, bootId] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    // The program's name stands in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : `${bootId.trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}
