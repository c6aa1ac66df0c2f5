import { constants, open, rm } from 'node:fs/promises';
import { blobErrors, untilAborted } from '@reactor/core';
import type { BlobFolder } from './blob-folder.js';
import { linkNewFile, writeNewFile } from './durable-file.js';
import { onFilesystem } from './filesystem-errors.js';
import { inspectFolder, nearestExisting } from './inspect-folder.js';

/**
 * Writes a file, gives it a second name, reads it back and removes it. Before `prepare`, a folder that is not there is no
 * fault: then it only sees that `prepare` could make it.
 * @returns whether the folder is there
 * @throws ReactorError `storage_unavailable` (503), `insufficient_storage` (507)
 */
export async function tryWriting(folder: BlobFolder, signal: AbortSignal): Promise<boolean> {
  if (!folder.isPrepared) {
    const existing = await untilAborted(onFilesystem(nearestExisting(folder.root)), signal);
    if (existing !== folder.root) {
      await untilAborted(onFilesystem(inspectFolder(existing)), signal);
      return false;
    }
  }
  const content = crypto.getRandomValues(new Uint8Array(64));
  const path = await untilAborted(folder.temporaryPath(), signal);
  const linked = `${path}+linked`;
  try {
    await untilAborted(writeNewFile(path, one(content), content.byteLength), signal);
    await untilAborted(onFilesystem(linkNewFile(path, linked)), signal);
    const read = await untilAborted(onFilesystem(readWhole(linked)), signal);
    if (!content.every((byte, i) => byte === read[i])) {
      throw blobErrors.create.storage_unavailable('The blob store did not give back what was written to it.');
    }
    return true;
  } finally {
    await onFilesystem(Promise.all([path, linked].map((file) => rm(file, { force: true }))));
  }
}

async function* one(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}

async function readWhole(path: string): Promise<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}
