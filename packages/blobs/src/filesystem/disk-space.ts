import { statfs } from 'node:fs/promises';

/**
 * Free bytes below which nothing more is written. One segment of PostgreSQL's write-ahead log: the database may share
 * the disk, and stops when it cannot write the next.
 */
export const RESERVED_BYTES = 16 * 1024 * 1024;

/**
 * Free bytes below which the doctor warns, as it does below a twentieth of the disk: time to act, on small disks and on
 * large ones. Ten objects of the largest size that storage accepts by default.
 */
export const LOW_BYTES = 1024 * 1024 * 1024;

/** A file system, in bytes. */
export interface DiskSpace {
  /** What is left for a process without privileges: root could fill the rest, and take it from everybody. */
  readonly freeBytes: number;
  readonly sizeBytes: number;
  /** Nothing more may be written: less is free than is reserved, or there is no room for one more file. */
  readonly isFull: boolean;
}

/** The file system that `path` lies on. @throws what the system says */
export async function diskSpace(path: string): Promise<DiskSpace> {
  const { bsize, bavail, blocks, files, ffree } = await statfs(path);
  const freeBytes = bavail * bsize;
  // Some file systems count no blocks, and more of them no files: 0 of 0 says nothing.
  const isFull = (blocks > 0 && freeBytes < RESERVED_BYTES) || (files > 0 && ffree === 0);
  return { freeBytes, sizeBytes: blocks * bsize, isFull };
}
