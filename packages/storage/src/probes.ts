import {
  type BlobStore,
  type Database,
  type DoctorProbe,
  databasePingProbe,
  databaseProbe,
  type ProbeResult,
  ReactorError,
  reasonOf,
} from '@reactor/core';
import { ObjectLedger } from './store/ledger.js';
import { ObjectStore } from './store/objects.js';
import type { StoredObject } from './stored-object.js';

export interface StorageProbesOptions {
  readonly database: Database;
  readonly blobs: BlobStore;
}

/** What the doctor asks of storage. Works without `start`, so also while the server is down. */
export function storageProbes(options: StorageProbesOptions): readonly DoctorProbe[] {
  return [databasePingProbe(options.database), ...options.blobs.probes, readableObjects(options), removals(options)];
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
          message: `The bytes of ${missing} of ${looked} are not in the blob store.`,
          remedy:
            'Database and blob store do not belong together, or one was restored without the other: point the server ' +
            'to the state directory of this database, or restore its folder "blobs" from the same backup.',
        };
      }
      if (damages.length > 0) {
        return {
          status: 'fail',
          code: 'blob_damaged',
          message: `The bytes of ${damages.length} of ${looked} are not as they were stored: ${damages[0]}.`,
          remedy:
            'Find out what changes files below the folder "blobs", such as a failing disk; then restore them from ' +
            'a backup, or upload the objects again.',
        };
      }
      return { status: 'ok', message: `the bytes of ${looked} are there` };
    },
  });
}

/** What has become of the bytes of an object: `whole`, `missing`, or in words what there is instead. */
async function lookAt(blobs: BlobStore, { blobKey, sizeBytes }: StoredObject): Promise<string> {
  try {
    const blob = await blobs.head(blobKey);
    if (blob === undefined) return 'missing';
    return blob.size === sizeBytes ? 'whole' : `${blobKey} has ${blob.size} bytes, and ${sizeBytes} were stored`;
  } catch (error) {
    if (error instanceof ReactorError && error.code === 'blob_damaged') return reasonOf(error);
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
      const { blobs, oldestSeconds } = await new ObjectLedger(database).backlog({ signal });
      if (oldestSeconds <= MAX_BACKLOG_SECONDS) return { status: 'ok', message: `${blobs} blobs wait for removal` };
      return {
        status: 'warn',
        code: 'removal_backlog',
        message: `${blobs} blobs of deleted objects still take up space, the oldest for ${Math.round(oldestSeconds / 60)} minutes.`,
        remedy:
          'Make sure that a server runs, and look for "sweep failed" in its log, target reactor_storage::sweeper.',
      };
    },
  });
}
