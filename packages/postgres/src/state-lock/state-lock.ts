import { link, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { processStart } from '@reactor/processes';
import {
  DamagedLockError,
  isHeld,
  type LockRecord,
  readRecord,
  replaceRecord,
  type StateLockFields,
  type StateLockOwner,
  writeWhole,
} from './record.js';

/** Another server runs on the state directory. */
export class StateDirectoryLockedError extends Error {
  override readonly name = 'StateDirectoryLockedError';
  readonly owner: StateLockOwner;

  constructor(directory: string, owner: StateLockOwner) {
    const where = owner.url === undefined ? '' : ` at ${owner.url}`;
    super(
      `the state directory ${directory} is used by the server with pid ${owner.pid}${where}; ` +
        'stop it, or choose another one with [server] state_dir',
    );
    this.owner = owner;
  }
}

/** The state directory cannot hold anything, or nobody can tell whether a server uses it. */
export class StateDirectoryUnusableError extends Error {
  override readonly name = 'StateDirectoryUnusableError';
}

/** Held from `lockStateDirectory` to `release`; a server that finds it left by a dead process takes it over. */
export interface StateLock {
  /** Absolute. */
  readonly directory: string;
  /** Tells those who read the lock more about this server. */
  update(fields: StateLockFields): Promise<void>;
  /** Safe twice. */
  release(): Promise<void>;
}

const LOCK_FILE = 'server.pid';
/** A starter can die while it takes over a dead one's lock, and so on; deeper than this a person must look. */
const MAX_TAKEOVERS = 3;

/**
 * Creates the folder (0700) when it is missing and makes it ours.
 * @throws StateDirectoryLockedError with the pid of the running server
 * @throws StateDirectoryUnusableError when the folder cannot be created or written, or the lock in it is damaged
 */
export async function lockStateDirectory(directory: string): Promise<StateLock> {
  const absolute = resolve(directory);
  const path = join(absolute, LOCK_FILE);
  const start = await processStart(process.pid);
  if (start === undefined) throw new Error('the system does not tell when this process started');
  let record: LockRecord = { pid: process.pid, startedAt: new Date().toISOString(), processStart: start };
  try {
    await mkdir(absolute, { recursive: true, mode: 0o700 });
    await acquire(path, record, 0);
  } catch (error) {
    if (error instanceof LockHeld) throw new StateDirectoryLockedError(absolute, error.owner);
    if (error instanceof DamagedLockError) throw new StateDirectoryUnusableError(error.message, { cause: error });
    throw new StateDirectoryUnusableError(
      `the state directory ${absolute} cannot be used: ${(error as Error).message}; ` +
        'make it writable, or choose another one with [server] state_dir',
      { cause: error },
    );
  }
  let released = false;
  return {
    directory: absolute,
    async update(fields) {
      if (released) throw new Error('the state directory is no longer locked by this process');
      record = { ...record, ...fields };
      await replaceRecord(path, record);
    },
    async release() {
      if (released) return;
      released = true;
      if (await isStillOurs(path, record)) await rm(path, { force: true });
    },
  };
}

/** The file may have been removed and another server started. A damaged one is ours: no other starts on it. */
async function isStillOurs(path: string, { pid, processStart: start }: LockRecord): Promise<boolean> {
  try {
    const found = await readRecord(path);
    return found?.pid === pid && found.processStart === start;
  } catch (error) {
    return error instanceof DamagedLockError;
  }
}

/**
 * The server that runs on the state directory; undefined when none does.
 * @throws StateDirectoryUnusableError when the lock is damaged
 */
export async function readStateLock(directory: string): Promise<StateLockOwner | undefined> {
  const record = await readRecord(join(resolve(directory), LOCK_FILE)).catch((error) => {
    throw error instanceof DamagedLockError ? new StateDirectoryUnusableError(error.message, { cause: error }) : error;
  });
  if (record === undefined || !(await isHeld(record))) return undefined;
  const { processStart: _, ...owner } = record;
  return owner;
}

class LockHeld extends Error {
  readonly owner: StateLockOwner;

  constructor({ processStart: _, ...owner }: LockRecord) {
    super(`held by pid ${owner.pid}`);
    this.owner = owner;
  }
}

/**
 * link() makes the file appear with its content, or not at all when there is one. A dead owner's file is replaced under
 * a lock of its own: two starters that both saw it dead must not remove each other's.
 */
async function acquire(path: string, record: LockRecord, depth: number): Promise<void> {
  if (depth > MAX_TAKEOVERS) throw new Error(`${path} is left over from starters that died; remove it`);
  const create = () => writeWhole(path, record, (temporary) => linkNew(temporary, path));
  if (await create()) return;
  await refuseHeld(path);
  const guard = `${path}.takeover`;
  await acquire(guard, record, depth + 1);
  try {
    // It may have been taken over and given back while we waited for our turn; then it is created like a new one.
    while (!(await refuseHeld(path))) {
      if (await create()) return;
    }
    await replaceRecord(path, record);
  } finally {
    await rm(guard, { force: true });
  }
}

/**
 * @returns whether there is a file, then of a dead owner
 * @throws LockHeld when its owner lives
 */
async function refuseHeld(path: string): Promise<boolean> {
  const found = await readRecord(path);
  if (found !== undefined && (await isHeld(found))) throw new LockHeld(found);
  return found !== undefined;
}

async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
