import { createHash } from 'node:crypto';
import { constants, link, lstat, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { coreErrors, type StoredBlob } from '@reactor/core';
import { errnoOf, onFilesystem, systemError } from './filesystem-errors.js';

/** For this process alone: objects may be private. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/**
 * Streams `body` into the new file `path`, whose bytes are on the disk when this resolves. Holds one chunk at a time.
 * The file is left behind when this rejects: with what `body` rejected with, with `payload_too_large`, or with what
 * `filesystemError` makes of a failed call.
 */
export async function writeNewFile(
  path: string,
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<StoredBlob> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await onFilesystem(open(path, flags, FILE_MODE));
  try {
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of body) {
      size += chunk.byteLength;
      if (size > maxBytes) {
        throw coreErrors.create.payload_too_large(`The body is larger than the ${maxBytes} bytes that are accepted.`);
      }
      hash.update(chunk);
      await onFilesystem(file.writeFile(chunk));
    }
    await onFilesystem(file.sync());
    return { size, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

/** What systems answer where the file system has no hard links. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/**
 * Gives `file` a second name, at once and only if the name is free, which a rename cannot: it replaces.
 * @returns false when something else has the name
 */
export async function linkNewFile(file: string, name: string): Promise<boolean> {
  try {
    await link(file, name);
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (NO_LINKS.has(code)) throw systemError('ENOTSUP', `${name}: the file system has no hard links`);
    if (code !== 'EEXIST') throw error;
    // A network file system that loses its first answer asks again, and finds what it made itself.
    const [ours, found] = await Promise.all([stat(file), lstat(name).catch(() => undefined)]);
    return ours.ino === found?.ino && ours.dev === found.dev;
  }
}

/** Puts the entries of a folder on the disk: a new name is durable only after this. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes one folder whose parent exists, durably. @returns whether it was missing */
export async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, FOLDER_MODE);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    return false;
  }
  await syncFolder(dirname(path));
  return true;
}
