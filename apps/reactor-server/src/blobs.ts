import path from 'node:path';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { type BlobStore, systemClock } from '@reactor/core';
import type { STORAGE_BACKENDS } from '@reactor/storage';
import type { Settings } from './config/settings.js';

/** How blobs are kept, by `storage.backend`. */
const BACKENDS: Record<(typeof STORAGE_BACKENDS)[number], (settings: Settings) => BlobStore> = {
  fs: ({ config }) =>
    createFilesystemBlobStore({ root: path.join(config.stateDirectory, 'blobs'), clock: systemClock }),
};

/** The one blob store of the server, for all who keep blobs. Opens nothing. */
export function createBlobStore(settings: Settings): BlobStore {
  const { backend = 'fs' } = settings.loaded.values.storage ?? {};
  return BACKENDS[backend as keyof typeof BACKENDS](settings);
}
