import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { processStart } from './process-identity.js';

/** What a server tells about itself to those who find its lock. */
export interface StateLockFields {
  /** Where it can be reached: `http://127.0.0.1:8000`. */
  readonly url?: string;
}

/** The running server that holds a state directory. */
export interface StateLockOwner extends StateLockFields {
  readonly pid: number;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
}

/** A lock file's content. */
export interface LockRecord extends StateLockOwner {
  /** See `processStart`. */
  readonly processStart: string;
}

/** The pid alone on the first line, for `kill $(head -1 server.pid)`; the rest as JSON. */
export function formatRecord({ pid, ...rest }: LockRecord): string {
  return `${pid}\n${JSON.stringify(rest)}\n`;
}

/** @returns undefined when there is no lock file; a record nobody can own when it cannot be parsed */
export async function readRecord(path: string): Promise<LockRecord | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const [pid = '', json = ''] = text.split('\n');
  try {
    const rest = JSON.parse(json) as Omit<LockRecord, 'pid'>;
    return { ...rest, pid: Number.parseInt(pid, 10) };
  } catch {
    return { pid: 0, startedAt: '', processStart: '' };
  }
}

/** Whether the process that wrote it still runs. */
export async function isHeld(record: LockRecord): Promise<boolean> {
  return record.pid > 0 && (await processStart(record.pid)) === record.processStart;
}

/** Writes beside `path` and hands the new file to `place`, so that nobody ever reads half a record. */
export async function writeWhole<T>(
  path: string,
  record: LockRecord,
  place: (temporary: string) => Promise<T>,
): Promise<T> {
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, formatRecord(record), { mode: 0o600, flag: 'wx' });
  try {
    return await place(temporary);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Replaces the record of a lock that we hold. */
export async function replaceRecord(path: string, record: LockRecord): Promise<void> {
  await writeWhole(path, record, (temporary) => rename(temporary, path));
}
