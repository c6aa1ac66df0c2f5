import { mkdtemp, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Linux keeps files in memory. */
const MEMORY = '/dev/shm';

/** A server with a few databases and its log of changes takes about 300 MB; containers often have 64 MB there. */
const ROOM_BYTES = 2 ** 30;

/**
 * A new folder for a server that nobody needs after the run: in memory where there is room, as a database is about 300 files, and making
 * and removing them is most of what a short test costs on a disk. The caller removes it.
 */
export async function memoryDirectory(): Promise<string> {
  return mkdtemp(join((await hasRoom()) ? MEMORY : tmpdir(), 'reactor-test-'));
}

async function hasRoom(): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(MEMORY);
    return bavail * bsize >= ROOM_BYTES;
  } catch {
    // Another system than Linux.
    return false;
  }
}
