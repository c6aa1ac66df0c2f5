import type { Stats } from 'node:fs';
import { constants, type FileHandle, lstat, open } from 'node:fs/promises';
import { blobErrors } from '@reactor/core';
import { errnoOf } from './filesystem-errors.js';

/** Without O_NONBLOCK, a fifo holds one of the few threads that all file access shares until something writes to it. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a file to read it.
 * @throws ReactorError `blob_damaged` (500) when something other than a file has its place; else what the system says
 */
export async function openRegularFile(path: string): Promise<{ readonly file: FileHandle; readonly info: Stats }> {
  const file = await open(path, FLAGS).catch(async (error: unknown) => {
    // The system refuses to open links and sockets, each by a code that has other meanings too.
    const found = errnoOf(error) === 'ENOENT' ? undefined : await lstat(path).catch(() => undefined);
    if (found !== undefined) assertRegularFile(path, found);
    throw error;
  });
  try {
    const info = await file.stat();
    assertRegularFile(path, info);
    return { file, info };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** @throws ReactorError `blob_damaged` (500) that names what is found instead, for the log and the doctor */
export function assertRegularFile(path: string, info: Stats): void {
  if (info.isFile()) return;
  throw blobErrors.create.blob_damaged('The stored bytes are damaged.', {
    cause: new Error(`${path} is ${kindOf(info)}, not a file`),
  });
}

function kindOf(info: Stats): string {
  if (info.isSymbolicLink()) return 'a symbolic link';
  if (info.isDirectory()) return 'a directory';
  if (info.isFIFO()) return 'a fifo';
  return info.isSocket() ? 'a socket' : 'a device';
}
