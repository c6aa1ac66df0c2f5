import { access, constants, lstat, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskSpace } from './disk-space.js';
import { errnoOf, systemError } from './filesystem-errors.js';

/**
 * Looks, without writing, whether this process could make a file or a folder in `folder`. Root may not either where the
 * mount is read-only, nobody has the permission, or the disk counts as full.
 * @throws what the system would say
 */
export async function inspectFolder(folder: string): Promise<void> {
  const info = await stat(folder);
  if (!info.isDirectory()) throw systemError('ENOTDIR', 'not a directory');
  await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  // Root could still write, but taking the permission from everybody is meant for everybody.
  if ((info.mode & 0o222) === 0) throw systemError('EACCES', 'nobody may write');
  if ((await diskSpace(folder)).isFull) throw systemError('ENOSPC', 'the file system is full');
}

/** The folder that `path` would be made in, with all that lies between; `path` itself when it, or a link, is there. */
export async function nearestExisting(path: string): Promise<string> {
  try {
    await lstat(path);
    return path;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return nearestExisting(dirname(path));
  }
}
