import { type Database, type DoctorProbe, databasePingProbe, databaseProbe, type ProbeResult } from '@reactor/core';
import { type DiskSpace, RESERVED_BYTES } from './blobs/disk-space.js';
import type { FilesystemBlobStore } from './blobs/filesystem.js';
import { errnoOf, publicReason } from './blobs/filesystem-errors.js';
import type { StoredObject } from './objects.js';
import { BlobLedger } from './store/blobs.js';
import { ObjectStore } from './store/objects.js';

export interface StorageProbesOptions {
  readonly database: Database;
  readonly blobs: FilesystemBlobStore;
  readonly maxUploadBytes: number;
}

/** What the doctor asks of storage. Works without `start`, so also while the server is down. */
export function storageProbes(options: StorageProbesOptions): readonly DoctorProbe[] {
  return [
    databasePingProbe(options.database),
    writableFolder(options),
    freeSpace(options),
    readableObjects(options),
    removals(options),
  ];
}

function writableFolder({ blobs }: StorageProbesOptions): DoctorProbe {
  return {
    name: 'fs_writable',
    timeoutMs: 5_000,
    provides: 'blobs',
    dependsOn: ['blob_space'],
    async run(signal) {
      try {
        const isThere = await blobs.verifyWritable(signal);
        return isThere ? { status: 'ok' } : { status: 'ok', message: 'the blob folder is made at the next start' };
      } catch (error) {
        const cause = (error as Error).cause;
        const reason = signal.aborted ? 'the blob folder does not answer' : publicReason(cause);
        return {
          status: 'fail',
          code: signal.aborted ? 'timeout' : (errnoOf(cause) ?? 'storage_unavailable').toLowerCase(),
          message: `A file could not be written, read and removed: ${reason}.`,
          remedy:
            'See that the folder "blobs" of the state directory exists, belongs to the user of the server, lies on a ' +
            'file system mounted read-write, and has space left.',
        };
      }
    },
  };
}

function freeSpace({ blobs, maxUploadBytes }: StorageProbesOptions): DoctorProbe {
  return {
    name: 'disk_space',
    timeoutMs: 2_000,
    provides: 'blob_space',
    async run() {
      let space: DiskSpace;
      try {
        space = await blobs.space();
      } catch (error) {
        // What is wrong with the folder is for fs_writable to say: one fault, one cause.
        return { status: 'ok', message: `not known: ${publicReason((error as Error).cause)}` };
      }
      const { freeBytes, sizeBytes, isFull } = space;
      const message = `${formatBytes(freeBytes)} of ${formatBytes(sizeBytes)} are free`;
      const remedy = 'Make room on the file system of the blob folder, or move the state directory to a larger one.';
      if (isFull) {
        const why =
          freeBytes < RESERVED_BYTES
            ? `uploads are refused below ${formatBytes(RESERVED_BYTES)}`
            : 'no inode is left for one more file';
        return { status: 'fail', code: 'disk_full', message: `${message}; ${why}.`, remedy };
      }
      if (freeBytes < maxUploadBytes) {
        const why = `less than the ${formatBytes(maxUploadBytes)} that one upload may have`;
        return { status: 'warn', code: 'disk_low', message: `${message}, ${why}.`, remedy };
      }
      // Ten uploads, or a twentieth of the disk: time to act, on small disks and on large ones.
      if (freeBytes < Math.max(10 * maxUploadBytes, sizeBytes / 20)) {
        return { status: 'warn', code: 'disk_low', message: `${message}.`, remedy };
      }
      return { status: 'ok', message };
    },
  };
}

/** Of the oldest and of the newest objects each. */
const SAMPLE = 20;

function readableObjects({ blobs, database }: StorageProbesOptions): DoctorProbe {
  return databaseProbe({
    name: 'objects_readable',
    timeoutMs: 5_000,
    dependsOn: ['database', 'blobs'],
    database,
    async run(signal): Promise<ProbeResult> {
      const sample = await new ObjectStore(database).ends(SAMPLE, { signal });
      let missing = 0;
      const damages: string[] = [];
      for (const object of sample) {
        signal.throwIfAborted();
        const state = await lookAt(blobs, object);
        if (state === 'missing') missing += 1;
        else if (state !== 'whole') damages.push(state);
      }
      const looked = `${sample.length} objects looked at`;
      if (missing > 0) {
        return {
          status: 'fail',
          code: 'blob_missing',
          message: `The bytes of ${missing} of ${looked} are not in the blob folder.`,
          remedy:
            'Database and blob folder do not belong together, or one was restored without the other: point the server ' +
            'to the state directory of this database, or restore the folder "blobs" from the same backup.',
        };
      }
      if (damages.length > 0) {
        return {
          status: 'fail',
          code: 'blob_damaged',
          message: `The bytes of ${damages.length} of ${looked} are not as they were stored: ${damages[0]}.`,
          remedy:
            'Find out what changes files below the folder "blobs", a failing disk among others; then restore them from ' +
            'a backup, or upload the objects again.',
        };
      }
      return { status: 'ok', message: `the bytes of ${looked} are there` };
    },
  });
}

/** What has become of the bytes of an object: `whole`, `missing`, or in words what there is instead. */
async function lookAt(blobs: FilesystemBlobStore, { blobKey, sizeBytes }: StoredObject): Promise<string> {
  try {
    const stream = await blobs.get(blobKey, undefined, sizeBytes);
    await stream?.cancel();
    return stream === undefined ? 'missing' : 'whole';
  } catch (error) {
    const { cause } = error as Error;
    // Also when the whole folder is.
    if (errnoOf(cause) === 'ENOENT') return 'missing';
    if (cause instanceof Error) return cause.message;
    throw error;
  }
}

/** The sweeper comes by about once a minute; after an hour it is broken, not busy. */
const MAX_BACKLOG_SECONDS = 3_600;

function removals({ database }: StorageProbesOptions): DoctorProbe {
  return databaseProbe({
    name: 'removed_blobs',
    timeoutMs: 2_000,
    dependsOn: ['database', 'blobs'],
    database,
    async run(signal): Promise<ProbeResult> {
      const { blobs, oldestSeconds } = await new BlobLedger(database).backlog({ signal });
      if (oldestSeconds <= MAX_BACKLOG_SECONDS) return { status: 'ok', message: `${blobs} blobs wait for removal` };
      return {
        status: 'warn',
        code: 'removal_backlog',
        message: `${blobs} blobs of deleted objects still take up space, the first of them for ${Math.round(oldestSeconds / 60)} minutes.`,
        remedy: 'Look for "sweep failed" in the log of target reactor_storage::sweeper; is a server running?',
      };
    },
  });
}

function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}
