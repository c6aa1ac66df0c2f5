import { blobErrors, ReactorError } from '@reactor/core';

/** `ENOENT`, `EROFS`, …; undefined for what is not a system error. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** An error as the system would answer it. */
export function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** ENOSPC: disk full; EDQUOT: quota used up; EFBIG: larger than the file system or `ulimit -f` allows. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** What a failed call on the blob folder means for the caller. The path and the errno stay in `cause`, for the log. */
export function filesystemError(error: unknown): ReactorError {
  if (error instanceof ReactorError) return error;
  if (FULL.has(errnoOf(error) ?? '')) {
    return blobErrors.create.insufficient_storage('The blob store is full; nothing was stored.', { cause: error });
  }
  return blobErrors.create.storage_unavailable('The blob store cannot be used at the moment.', { cause: error });
}

/** Rejects with `filesystemError` of what `work` rejects with. */
export async function onFilesystem<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw filesystemError(error);
  }
}

/** A public reason: says what is wrong with the folder and not where it is. */
export function publicReason(error: unknown): string {
  switch (errnoOf(error)) {
    case 'ENOENT':
      return 'the blob folder is missing';
    case 'ENOTDIR':
      return 'the blob folder is not a directory';
    case 'EROFS':
      return 'the blob folder is mounted read-only';
    case 'EACCES':
    case 'EPERM':
      return 'the blob folder is not writable';
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return 'the blob folder is full';
    case 'ENOTSUP':
      return 'the file system of the blob folder has no hard links';
    default:
      return 'the blob folder cannot be used';
  }
}
