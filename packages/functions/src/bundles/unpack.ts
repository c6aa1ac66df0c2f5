import { constants } from 'node:fs';
import { chmod, type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ArchiveLimits, readArchive } from '@reactor/archive';

/** Whatever the umask of this process is: another account reads them. */
const FOLDER_MODE = 0o755;
const FILE_MODE = 0o644;

/** Never a file that is there, and through no link. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Unpacks a tar.gz into a new folder, whole or not at all.
 * @param folder does not exist yet; the one above it does
 * @throws ReactorError `archive_invalid` (400), `archive_too_large` (413); what `archive` and the file system throw
 */
export async function unpack(
  archive: AsyncIterable<Uint8Array>,
  folder: string,
  limits: ArchiveLimits,
  signal: AbortSignal,
): Promise<void> {
  const made = new Set<string>();
  // The paths of an archive are checked: relative, without `..`, and no two of them one on any file system.
  const makeFolder = async (path: string): Promise<void> => {
    if (made.has(path)) return;
    if (path !== folder) await makeFolder(dirname(path));
    await mkdir(path);
    await chmod(path, FOLDER_MODE);
    made.add(path);
  };
  await makeFolder(folder);
  try {
    for await (const { path, body } of readArchive(archive, limits, signal)) {
      const target = join(folder, path);
      await makeFolder(dirname(target));
      const file = await open(target, NEW_FILE, FILE_MODE);
      try {
        await writeAll(file, body);
        await file.chmod(FILE_MODE);
      } finally {
        await file.close();
      }
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function writeAll(file: FileHandle, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of body) {
    for (let written = 0; written < chunk.length; ) {
      written += (await file.write(chunk, written)).bytesWritten;
    }
  }
}
