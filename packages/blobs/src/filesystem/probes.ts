import type { DoctorProbe, ProbeResult } from '@reactor/core';
import type { BlobFolder } from './blob-folder.js';
import { type DiskSpace, diskSpace, LOW_BYTES, RESERVED_BYTES } from './disk-space.js';
import { errnoOf, publicReason } from './filesystem-errors.js';
import { tryWriting } from './trial-write.js';

/** What the doctor asks of a blob folder. */
export function filesystemProbes(folder: BlobFolder): readonly DoctorProbe[] {
  return [writableFolder(folder), freeSpace(folder)];
}

function writableFolder(folder: BlobFolder): DoctorProbe {
  return {
    name: 'fs_writable',
    timeoutMs: 5_000,
    provides: 'blobs',
    dependsOn: ['blob_space'],
    async run(signal) {
      try {
        const isThere = await tryWriting(folder, signal);
        return isThere ? { status: 'ok' } : { status: 'ok', message: 'the blob folder is made at the next start' };
      } catch (error) {
        const cause = (error as Error).cause;
        const reason = signal.aborted ? 'the blob folder does not answer' : publicReason(cause);
        return {
          status: 'fail',
          code: signal.aborted ? 'timeout' : (errnoOf(cause) ?? 'storage_unavailable').toLowerCase(),
          message: `A file could not be written, read and removed: ${reason}.`,
          remedy:
            `Make sure that the folder ${folder.root} exists, belongs to the user of the server, lies on a file system with ` +
            'hard links that is mounted read-write, and has space left.',
        };
      }
    },
  };
}

function freeSpace({ root }: BlobFolder): DoctorProbe {
  return {
    name: 'disk_space',
    timeoutMs: 2_000,
    provides: 'blob_space',
    async run() {
      try {
        return judge(await diskSpace(root), root);
      } catch (error) {
        // fs_writable says what is wrong with the folder: one fault, one cause.
        return { status: 'ok', message: `not known: ${publicReason(error)}` };
      }
    },
  };
}

function judge({ freeBytes, sizeBytes, isFull }: DiskSpace, root: string): ProbeResult {
  const message = `${formatBytes(freeBytes)} of ${formatBytes(sizeBytes)} are free`;
  const remedy = `Make room on the file system of ${root}, or move it to a larger one.`;
  if (isFull) {
    const why =
      freeBytes < RESERVED_BYTES
        ? `nothing is stored below ${formatBytes(RESERVED_BYTES)}`
        : 'no inode is left for one more file';
    return { status: 'fail', code: 'disk_full', message: `${message}; ${why}.`, remedy };
  }
  if (freeBytes < Math.max(LOW_BYTES, sizeBytes / 20)) {
    return { status: 'warn', code: 'disk_low', message: `${message}.`, remedy };
  }
  return { status: 'ok', message };
}

function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}
