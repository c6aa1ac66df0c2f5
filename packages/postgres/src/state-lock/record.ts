import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { processStart } from '@reactor/processes';

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

/** A lock file that does not tell who wrote it. Its server may well run: nothing of ours writes half a record. */
export class DamagedLockError extends Error {
  override readonly name = 'DamagedLockError';
}

/**
 * @returns undefined when there is no lock file
 * @throws DamagedLockError
 */
export async function readRecord(path: string): Promise<LockRecord | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const record = parseRecord(text);
  if (record !== undefined) return record;
  throw new DamagedLockError(
    `${path} is damaged and no longer tells which server uses the folder. ` +
      'Make sure that none does, then remove that file',
  );
}

function parseRecord(text: string): LockRecord | undefined {
  const [first = '', json = ''] = text.split('\n');
  const pid = Number(first);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  try {
    const rest = JSON.parse(json) as Partial<LockRecord> | null;
    return typeof rest?.processStart === 'string' ? ({ ...rest, pid } as LockRecord) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process that wrote it still runs. */
export async function isHeld(record: LockRecord): Promise<boolean> {
  return (await processStart(record.pid)) === record.processStart;
}

/**
 * Writes beside `path` and hands the new file to `place`, so that nobody ever reads half a record, also not after a
 * power cut.
 */
export async function writeWhole<T>(
  path: string,
  record: LockRecord,
  place: (temporary: string) => Promise<T>,
): Promise<T> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(formatRecord(record));
      await file.sync();
    } finally {
      await file.close();
    }
    return await place(temporary);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Replaces the record of a lock that we hold. */
export async function replaceRecord(path: string, record: LockRecord): Promise<void> {
  await writeWhole(path, record, (temporary) => rename(temporary, path));
}
