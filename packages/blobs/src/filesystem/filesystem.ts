import type { Stats } from 'node:fs';
import { lstat, opendir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BlobContent,
  type BlobInfo,
  type BlobRange,
  type BlobStore,
  blobErrors,
  type Clock,
  type DoctorProbe,
  type HealthResult,
  type MetricsContributor,
  type PutOptions,
  type StoredBlob,
  shareRuns,
  untilAborted,
} from '@reactor/core';
import { abortable } from './abortable.js';
import { BlobFolder } from './blob-folder.js';
import { BLOB_SUFFIX, blobKeySegments, blobPath, TEMPORARY_FOLDER } from './blob-path.js';
import { diskMetrics } from './disk-metrics.js';
import { writeNewFile } from './durable-file.js';
import { onFilesystem, publicReason } from './filesystem-errors.js';
import { inspectFolder } from './inspect-folder.js';
import { filesystemProbes } from './probes.js';
import { CHUNK_BYTES, fileStream, readAtOnce } from './read-file.js';
import { assertRegularFile, openRegularFile } from './regular-file.js';

/** Where blobs are kept. Limits are not here: the caller of `put` brings its own. */
export interface FilesystemBlobStoreOptions {
  /** Absolute path of the folder. Its file system has hard links; it may be a symbolic link. */
  readonly root: string;
  readonly clock: Clock;
}

/**
 * Keeps each blob as one file below `root`. Several processes may share a folder, on one machine or over a network file
 * system. Does nothing by itself before its first method is called.
 */
export function createFilesystemBlobStore({ root, clock }: FilesystemBlobStoreOptions): BlobStore {
  return new FilesystemBlobStore(new BlobFolder(root, clock), clock);
}

class FilesystemBlobStore implements BlobStore {
  readonly probes: readonly DoctorProbe[];
  readonly metrics: MetricsContributor;
  readonly #folder: BlobFolder;
  readonly #clock: Clock;
  /** One at a time: each call into a dead network mount holds one of the few threads that all file access shares. */
  readonly #inspect: () => Promise<void>;

  constructor(folder: BlobFolder, clock: Clock) {
    this.#folder = folder;
    this.#clock = clock;
    this.#inspect = shareRuns(() => inspectFolder(folder.root));
    this.probes = filesystemProbes(folder);
    this.metrics = diskMetrics(folder.root);
  }

  prepare(): Promise<void> {
    return this.#folder.prepare();
  }

  async put(key: string, body: AsyncIterable<Uint8Array>, { maxBytes, signal }: PutOptions): Promise<StoredBlob> {
    const path = blobPath(this.#folder.root, key);
    const temporary = await this.#folder.temporaryPath();
    try {
      const blob = await writeNewFile(temporary, signal === undefined ? body : abortable(body, signal), maxBytes);
      signal?.throwIfAborted();
      if (!(await onFilesystem(this.#folder.publish(temporary, path, key)))) {
        throw blobErrors.create.blob_exists(`There is already a blob under the key ${JSON.stringify(key)}.`);
      }
      return blob;
    } finally {
      await rm(temporary, { force: true }).catch(() => {});
    }
  }

  async get(key: string, range?: BlobRange): Promise<BlobContent | undefined> {
    const path = blobPath(this.#folder.root, key);
    const opened = await this.#folder.unlessMissing(openRegularFile(path));
    if (opened === undefined) return undefined;
    const { file, info } = opened;
    try {
      await onFilesystem(this.#folder.assertInside(path, key));
      const { start, end } = positions(info.size, range);
      const isOneRead = end - start <= CHUNK_BYTES;
      const body = isOneRead ? await readAtOnce(file, start, end) : fileStream(file, start, end);
      return { ...describe(key, info), body };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async head(key: string): Promise<BlobInfo | undefined> {
    const path = blobPath(this.#folder.root, key);
    const info = await this.#folder.unlessMissing(lstat(path));
    if (info === undefined) return undefined;
    assertRegularFile(path, info);
    await onFilesystem(this.#folder.assertInside(path, key));
    return describe(key, info);
  }

  async delete(key: string): Promise<void> {
    const folder = this.#folder;
    const path = blobPath(folder.root, key);
    if ((await folder.unlessMissing(folder.assertInside(path, key).then(() => true))) === undefined) return;
    const info = await folder.unlessMissing(lstat(path));
    if (info === undefined) return;
    // A link, a fifo or a socket goes as a blob does; what a folder holds is nobody's to throw away.
    if (info.isDirectory()) assertRegularFile(path, info);
    await folder.unlessMissing(rm(path));
  }

  async *list(prefix: string): AsyncIterable<BlobInfo> {
    const folder = prefix.replace(/\/$/, '');
    if (folder !== '') blobKeySegments(folder);
    yield* this.#listFolder(folder);
  }

  async *#listFolder(folder: string): AsyncGenerator<BlobInfo> {
    const path = join(this.#folder.root, folder);
    const entries = await this.#folder.unlessMissing(opendir(path));
    if (entries === undefined) return;
    for await (const entry of entries) {
      if (entry.name === TEMPORARY_FOLDER) continue;
      const key = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        yield* this.#listFolder(key);
      } else if (entry.isFile() && entry.name.endsWith(BLOB_SUFFIX)) {
        // Another process may have removed it meanwhile.
        const info = await this.#folder.unlessMissing(stat(join(path, entry.name)));
        if (info !== undefined) yield describe(key.slice(0, -BLOB_SUFFIX.length), info);
      }
    }
  }

  async sweepTemporary(olderThanMs: number): Promise<number> {
    const { temporary } = this.#folder;
    const newest = this.#clock.now() - olderThanMs;
    const entries = await this.#folder.unlessMissing(opendir(temporary));
    if (entries === undefined) return 0;
    let removed = 0;
    for await (const entry of entries) {
      const path = join(temporary, entry.name);
      const info = await this.#folder.unlessMissing(stat(path));
      if (info?.isFile() && info.mtimeMs < newest) {
        await onFilesystem(rm(path, { force: true }));
        removed += 1;
      }
    }
    return removed;
  }

  async check(signal: AbortSignal): Promise<HealthResult> {
    try {
      await untilAborted(this.#inspect(), signal);
      return { status: 'ok' };
    } catch (error) {
      return { status: 'error', reason: signal.aborted ? 'the blob folder does not answer' : publicReason(error) };
    }
  }
}

/** @returns the byte positions, `end` exclusive @throws ReactorError `range_not_satisfiable` (416) */
function positions(size: number, range: BlobRange | undefined): { readonly start: number; readonly end: number } {
  if (range === undefined) return { start: 0, end: size };
  if (range.start < 0 || range.start >= size || range.end < range.start) {
    throw blobErrors.create.range_not_satisfiable(`The blob has ${size} bytes; the range begins elsewhere.`);
  }
  return { start: range.start, end: Math.min(range.end + 1, size) };
}

function describe(key: string, { size, mtimeMs }: Stats): BlobInfo {
  return { key, size, modifiedAt: mtimeMs };
}
