import { access, constants, lstat, mkdir, open, opendir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type BlobStore, blobErrors, type Clock, type HealthResult, type StoredBlob, uuidv7 } from '@reactor/core';
import type { ByteRange } from '../http/range.js';
import { abortable, untilAborted } from './abortable.js';
import { BLOB_SUFFIX, blobKeySegments, blobPath, TEMPORARY_FOLDER } from './blob-path.js';
import { type DiskSpace, diskSpace } from './disk-space.js';
import { makeFolder, syncFolder, writeNewFile } from './durable-file.js';
import { fileStream } from './file-stream.js';
import { errnoOf, filesystemError, onFilesystem, publicReason } from './filesystem-errors.js';
import { damaged, openRegularFile } from './regular-file.js';

/** Blobs in a folder. Several processes may share one, on one machine or over a network file system. */
export interface FilesystemBlobStore extends BlobStore {
  /**
   * Makes the folder where it is missing. Called once, at start: a folder that vanishes later is a fault to be seen,
   * not one to be papered over with an empty folder.
   * @throws ReactorError `storage_unavailable` (503), `insufficient_storage` (507)
   */
  prepare(): Promise<void>;
  /**
   * As core's `BlobStore` has it, for whoever knows how many bytes were stored.
   * @param range inclusive byte positions
   * @param sizeBytes what was stored; a blob of another length is not read
   * @throws ReactorError `blob_damaged` (500) for such a blob, and for what is no file; `range_not_satisfiable` (416);
   *   `storage_unavailable` (503)
   */
  get(key: string, range?: ByteRange, sizeBytes?: number): Promise<ReadableStream<Uint8Array> | undefined>;
  /**
   * Whether this process may write into the folder now, asked without writing. Root may not either where the mount is
   * read-only, nobody has the permission, or `space` calls the disk full. Never rejects; `error` when `signal` aborts first, as it does with a network
   * mount that is dead.
   */
  check(signal: AbortSignal): Promise<HealthResult>;
  /**
   * Writes a file, reads it back and removes it. Before `prepare`, a folder that is not there is no fault: then it only
   * sees that `prepare` could make it.
   * @returns whether the folder is there
   * @throws ReactorError `storage_unavailable` (503), `insufficient_storage` (507)
   */
  verifyWritable(signal: AbortSignal): Promise<boolean>;
  /**
   * The file system of the folder.
   * @throws ReactorError `storage_unavailable` (503)
   */
  space(): Promise<DiskSpace>;
  /**
   * Removes what unfinished writes have left, unless it was written to within the last `olderThanMs` milliseconds.
   * @returns how many files
   */
  sweepTemporary(olderThanMs: number): Promise<number>;
}

export interface FilesystemBlobStoreOptions {
  /** Absolute path of the folder. */
  readonly root: string;
  readonly clock: Clock;
}

/** Keeps each blob as one file below `root`. Does nothing by itself before its first method is called. */
export function createFilesystemBlobStore(options: FilesystemBlobStoreOptions): FilesystemBlobStore {
  return new FilesystemStore(options);
}

class FilesystemStore implements FilesystemBlobStore {
  readonly #root: string;
  readonly #temporary: string;
  readonly #clock: Clock;
  /** Folders whose own entry is known to be on the disk. */
  readonly #durableFolders = new Set<string>();
  #inspection: Promise<void> | undefined;
  #isPrepared = false;

  constructor({ root, clock }: FilesystemBlobStoreOptions) {
    this.#root = root;
    this.#temporary = join(root, TEMPORARY_FOLDER);
    this.#clock = clock;
  }

  async prepare(): Promise<void> {
    await onFilesystem(mkdir(this.#root, { recursive: true, mode: 0o700 }));
    await onFilesystem(makeFolder(this.#temporary));
    this.#isPrepared = true;
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    { maxBytes, signal }: { readonly maxBytes: number; readonly signal?: AbortSignal },
  ): Promise<StoredBlob> {
    const path = blobPath(this.#root, key);
    const temporary = await this.#temporaryPath();
    try {
      const blob = await writeNewFile(temporary, signal === undefined ? body : abortable(body, signal), maxBytes);
      signal?.throwIfAborted();
      await onFilesystem(this.#publish(temporary, path, key));
      return blob;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw error;
    }
  }

  async get(key: string, range?: ByteRange, sizeBytes?: number): Promise<ReadableStream<Uint8Array> | undefined> {
    const path = blobPath(this.#root, key);
    const opened = await this.#unlessMissing(openRegularFile(path));
    if (opened === undefined) return undefined;
    const { file, sizeBytes: size } = opened;
    try {
      await onFilesystem(this.#assertInside(path, key));
      if (sizeBytes !== undefined && size !== sizeBytes) {
        throw damaged(`${path} has ${size} bytes, and ${sizeBytes} were stored`);
      }
      if (range === undefined) return fileStream(file, 0, size);
      if (range.start < 0 || range.start >= size || range.end < range.start) {
        throw blobErrors.create.range_not_satisfiable(`The blob has ${size} bytes; the range begins elsewhere.`);
      }
      return fileStream(file, range.start, Math.min(range.end + 1, size));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    const path = blobPath(this.#root, key);
    if ((await this.#unlessMissing(this.#assertInside(path, key).then(() => true))) === undefined) return;
    await this.#unlessMissing(rm(path));
  }

  async *list(prefix: string): AsyncIterable<{ readonly key: string; readonly modifiedAt: number }> {
    const folder = prefix.replace(/\/$/, '');
    if (folder !== '') blobKeySegments(folder);
    yield* this.#listFolder(folder);
  }

  async *#listFolder(folder: string): AsyncGenerator<{ readonly key: string; readonly modifiedAt: number }> {
    const path = join(this.#root, folder);
    const entries = await this.#unlessMissing(opendir(path));
    if (entries === undefined) return;
    for await (const entry of entries) {
      if (entry.name === TEMPORARY_FOLDER) continue;
      const key = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        yield* this.#listFolder(key);
      } else if (entry.isFile() && entry.name.endsWith(BLOB_SUFFIX)) {
        // Another process may have removed it meanwhile.
        const info = await this.#unlessMissing(stat(join(path, entry.name)));
        if (info !== undefined) yield { key: key.slice(0, -BLOB_SUFFIX.length), modifiedAt: info.mtimeMs };
      }
    }
  }

  async check(signal: AbortSignal): Promise<HealthResult> {
    // One at a time: each call into a dead network mount holds one of the few threads that all file access shares.
    this.#inspection ??= inspect(this.#root).finally(() => {
      this.#inspection = undefined;
    });
    try {
      await untilAborted(this.#inspection, signal);
      return { status: 'ok' };
    } catch (error) {
      return { status: 'error', reason: signal.aborted ? 'the blob folder does not answer' : publicReason(error) };
    }
  }

  async verifyWritable(signal: AbortSignal): Promise<boolean> {
    if (!this.#isPrepared) {
      const folder = await untilAborted(onFilesystem(nearestExisting(this.#root)), signal);
      if (folder !== this.#root) {
        await untilAborted(onFilesystem(inspect(folder)), signal);
        return false;
      }
    }
    const content = crypto.getRandomValues(new Uint8Array(64));
    const path = await untilAborted(this.#temporaryPath(), signal);
    try {
      await untilAborted(writeNewFile(path, one(content), content.byteLength), signal);
      const read = await untilAborted(onFilesystem(readWhole(path)), signal);
      if (!content.every((byte, i) => byte === read[i])) {
        throw blobErrors.create.storage_unavailable('The blob store did not give back what was written to it.');
      }
      return true;
    } finally {
      await onFilesystem(rm(path, { force: true }));
    }
  }

  async space(): Promise<DiskSpace> {
    return onFilesystem(diskSpace(this.#root));
  }

  async sweepTemporary(olderThanMs: number): Promise<number> {
    const newest = this.#clock.now() - olderThanMs;
    const entries = await this.#unlessMissing(opendir(this.#temporary));
    if (entries === undefined) return 0;
    let removed = 0;
    for await (const entry of entries) {
      const path = join(this.#temporary, entry.name);
      const info = await this.#unlessMissing(stat(path));
      if (info?.isFile() && info.mtimeMs < newest) {
        await onFilesystem(rm(path, { force: true }));
        removed += 1;
      }
    }
    return removed;
  }

  /** A path for a new temporary file, in the same file system as the blobs so that a rename is atomic. */
  async #temporaryPath(): Promise<string> {
    await onFilesystem(inspect(this.#root));
    await onFilesystem(makeFolder(this.#temporary));
    return join(this.#temporary, uuidv7(this.#clock.now()));
  }

  async #publish(temporary: string, path: string, key: string): Promise<void> {
    await this.#makeFolders(key);
    await this.#assertInside(path, key);
    await rename(temporary, path);
    try {
      await syncFolder(dirname(path));
    } catch (error) {
      await rm(path, { force: true }).catch(() => {});
      throw error;
    }
  }

  /** The folders of a blob below the root, never the root itself: when that is gone, this fails. */
  async #makeFolders(key: string): Promise<void> {
    let folder = this.#root;
    for (const segment of blobKeySegments(key).slice(0, -1)) {
      folder = join(folder, segment);
      const isNew = await makeFolder(folder);
      // Another process may have made it and died before it was on the disk.
      if (!isNew && !this.#durableFolders.has(folder)) await syncFolder(dirname(folder));
      if (this.#durableFolders.size >= MAX_REMEMBERED_FOLDERS) this.#durableFolders.clear();
      this.#durableFolders.add(folder);
    }
  }

  /** The root may be a symbolic link, for an operator to choose the disk. Below it a link could lead anywhere. */
  async #assertInside(path: string, key: string): Promise<void> {
    const [root, folder] = await Promise.all([realpath(this.#root), realpath(dirname(path))]);
    if (folder !== dirname(join(root, ...blobKeySegments(key)))) {
      throw blobErrors.create.storage_unavailable('The blob store cannot be used at the moment.', {
        cause: new Error(`${dirname(path)} leads to ${folder}, outside of the blob folder ${root}`),
      });
    }
  }

  /** Undefined when what `work` asked for does not exist; that the root does not exist is an error. */
  async #unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw filesystemError(error);
      await onFilesystem(stat(this.#root));
      return undefined;
    }
  }
}

/** Fails where this process could not make a file or a folder. */
async function inspect(folder: string): Promise<void> {
  const info = await stat(folder);
  if (!info.isDirectory()) throw systemError('ENOTDIR', 'not a directory');
  await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  // Root could write all the same, but who takes the permission from everybody means everybody.
  if ((info.mode & 0o222) === 0) throw systemError('EACCES', 'nobody may write');
  if ((await diskSpace(folder)).isFull) throw systemError('ENOSPC', 'the file system is full');
}

/** The folder that `path` would be made in, with all that lies between; `path` itself when it, or a link, is there. */
async function nearestExisting(path: string): Promise<string> {
  try {
    await lstat(path);
    return path;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return nearestExisting(dirname(path));
  }
}

/** A few hundred bytes each. */
const MAX_REMEMBERED_FOLDERS = 4096;

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
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
