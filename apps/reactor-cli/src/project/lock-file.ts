import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
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
    alive: record.processStart !== undefined && record.processStart === (await processStartOf(pid)),
  };
}

/**
 * When a process started, in the system's own terms and as the server writes it into its lock. A pid alone is given to
 * another process later, in a container soon; together they name one for good.
 * @returns undefined when there is no such process
 */
export async function processStartOf(pid: number): Promise<string | undefined> {
  try {
    return process.platform === 'linux' ? await startFromProc(pid) : await startFromPs(pid);
  } catch {
    return undefined;
  }
}

async function startFromProc(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  // The program's name stands in parentheses and may hold anything.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' ? undefined : `${bootId.trim()}/${fields[18]}`;
}

async function startFromPs(pid: number): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'lstart=', '-p', String(pid)], { env: { LC_ALL: 'C' } });
  return stdout.trim() || undefined;
}
