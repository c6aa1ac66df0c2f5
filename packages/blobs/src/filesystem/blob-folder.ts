import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { blobErrors, type Clock, uuidv7 } from '@reactor/core';
import { blobKeySegments, TEMPORARY_FOLDER } from './blob-path.js';
import { linkNewFile, makeFolder, syncFolder } from './durable-file.js';
import { errnoOf, filesystemError, onFilesystem } from './filesystem-errors.js';
import { inspectFolder } from './inspect-folder.js';

/** A few hundred bytes each. */
const MAX_REMEMBERED_FOLDERS = 4096;

/** The folder that blobs are kept in: makes what lies in it, and lets nothing lead out of it. */
export class BlobFolder {
  readonly root: string;
  /** Of files that are not blobs yet, in the same file system. */
  readonly temporary: string;
  readonly #clock: Clock;
  /** Folders whose own entry is known to be on the disk. */
  readonly #durableFolders = new Set<string>();
  /** Where `root` led when it was last asked for. */
  #realRoot: string | undefined;
  #preparing: Promise<void> | undefined;
  #isPrepared = false;

  constructor(root: string, clock: Clock) {
    this.root = root;
    this.temporary = join(root, TEMPORARY_FOLDER);
    this.#clock = clock;
  }

  /** Whether this process has made sure of the folder: missing later, it was lost. */
  get isPrepared(): boolean {
    return this.#isPrepared;
  }

  async prepare(): Promise<void> {
    this.#preparing ??= this.#make();
    try {
      await this.#preparing;
    } catch (error) {
      this.#preparing = undefined;
      throw error;
    }
  }

  async #make(): Promise<void> {
    await onFilesystem(mkdir(this.root, { recursive: true, mode: 0o700 }));
    await onFilesystem(makeFolder(this.temporary));
    this.#isPrepared = true;
  }

  /** A path for a new temporary file. @throws ReactorError where none can be written */
  async temporaryPath(): Promise<string> {
    await onFilesystem(inspectFolder(this.root));
    await onFilesystem(makeFolder(this.temporary));
    return join(this.temporary, uuidv7(this.#clock.now()));
  }

  /**
   * Gives the whole file `temporary` the place of a blob, durably.
   * @param path of the blob with this key
   * @returns whether it has it: false when another has, which stays
   */
  async publish(temporary: string, path: string, key: string): Promise<boolean> {
    await this.#makeFolders(key);
    await this.assertInside(path, key);
    if (!(await linkNewFile(temporary, path))) return false;
    try {
      await syncFolder(dirname(path));
    } catch (error) {
      await rm(path, { force: true }).catch(() => {});
      throw error;
    }
    return true;
  }

  /** The root may be a symbolic link, for an operator to choose the disk. Below it a link could lead anywhere. */
  async assertInside(path: string, key: string): Promise<void> {
    const folder = await realpath(dirname(path));
    const isBelow = (root: string) => folder === dirname(join(root, ...blobKeySegments(key)));
    if (this.#realRoot !== undefined && isBelow(this.#realRoot)) return;
    // Another disk may have been chosen meanwhile.
    this.#realRoot = await realpath(this.root);
    if (isBelow(this.#realRoot)) return;
    throw blobErrors.create.storage_unavailable('The blob store cannot be used at the moment.', {
      cause: new Error(`${dirname(path)} leads to ${folder}, outside of the blob folder ${this.#realRoot}`),
    });
  }

  /**
   * Undefined when what `work` asked for does not exist. That the root does not exist is an error, unless nobody has made
   * it yet.
   * @throws ReactorError `blob_damaged` (500) when a file has the place of a folder below the root
   */
  async unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR') await this.#refuseFileAsFolder(error);
      if (errnoOf(error) !== 'ENOENT') throw filesystemError(error);
      if (this.#isPrepared) await onFilesystem(stat(this.root));
      return undefined;
    }
  }

  async #refuseFileAsFolder(cause: unknown): Promise<void> {
    const root = await onFilesystem(stat(this.root));
    if (root.isDirectory()) throw blobErrors.create.blob_damaged('The stored bytes are damaged.', { cause });
  }

  /** The folders of a blob below the root, never the root itself: when that is gone, this fails. */
  async #makeFolders(key: string): Promise<void> {
    let folder = this.root;
    for (const segment of blobKeySegments(key).slice(0, -1)) {
      folder = join(folder, segment);
      const isNew = await makeFolder(folder);
      // Another process may have made it and died before it was on the disk.
      if (!isNew && !this.#durableFolders.has(folder)) await syncFolder(dirname(folder));
      if (this.#durableFolders.size >= MAX_REMEMBERED_FOLDERS) this.#durableFolders.clear();
      this.#durableFolders.add(folder);
    }
  }
}
