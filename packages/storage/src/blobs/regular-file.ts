import type { Stats } from 'node:fs';
import { constants, type FileHandle, lstat, open } from 'node:fs/promises';
import { blobErrors } from '@reactor/core';
import { errnoOf } from './filesystem-errors.js';

/** Without O_NONBLOCK, a fifo holds one of the few threads that all file access shares until somebody writes to it. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Opens a file to read it.
 * @throws ReactorError `blob_damaged` (500) when something that is no file has its place; else what the system says
 */
export async function openRegularFile(
  path: string,
): Promise<{ readonly file: FileHandle; readonly sizeBytes: number }> {
  const file = await open(path, FLAGS).catch(async (error: unknown) => {
    // The system refuses to open links and sockets, each by a code that has other meanings too.
    const found = errnoOf(error) === 'ENOENT' ? undefined : await lstat(path).catch(() => undefined);
    throw found === undefined || found.isFile() ? error : damaged(`${path} is ${kindOf(found)}, not a file`);
  });
  try {
    const info = await file.stat();
    if (!info.isFile()) throw damaged(`${path} is ${kindOf(info)}, not a file`);
    return { file, sizeBytes: info.size };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** `blob_damaged` (500). @param what was found instead, for the log and the doctor */
export function damaged(what: string) {
  return blobErrors.create.blob_damaged('The stored bytes are damaged.', { cause: new Error(what) });
}

function kindOf(info: Stats): string {
  if (info.isSymbolicLink()) return 'a symbolic link';
  if (info.isDirectory()) return 'a directory';
  if (info.isFIFO()) return 'a fifo';
  return info.isSocket() ? 'a socket' : 'a device';
}
