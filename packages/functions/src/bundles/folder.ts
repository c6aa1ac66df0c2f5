import { createHash, randomUUID } from 'node:crypto';
import { chmod, chown, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobStore, blobErrors, ReactorError, untilAborted, withTimeout } from '@reactor/core';
import type { Deployment } from '../deployment.js';
import { functionsErrors } from '../errors.js';
import type { BunRuntime } from '../runtime/bun.js';
import { type KeptFunctionFile, memoryMbOf } from '../settings.js';
import type { BundleLedger } from '../store/ledger.js';
import { type Buildable, buildModule, checkModule } from './build.js';
import { readFunctionFile } from './function-file.js';
import { BUNDLE_LIMITS } from './limits.js';
import { Turns } from './turns.js';
import { unpack } from './unpack.js';

/** A bundle as it lies in the blob store. */
export type StoredBundle = Pick<Deployment, 'blobKey' | 'sha256' | 'sizeBytes'>;

/** What names a folder: the same archive may be built with another entry. */
export interface FolderRef {
  readonly sha256: string;
  readonly settings: Pick<Deployment['settings'], 'entry'>;
}

/** What the cache of bundles works on. */
export interface BundleFoldersOptions {
  bun(): Promise<BunRuntime>;
  readonly blobs: Pick<BlobStore, 'get'>;
  readonly ledger: Pick<BundleLedger, 'storeId'>;
}

/** No bundle begins with it: folders that are being made, and those on their way out. */
const TEMPORARY = '+';
/** Holds which start of the machine the folders are of. */
const BOOT_FILE = '.boot';
/** Changes with the form of what is built: a folder of an earlier release is then made anew. */
const FORM = 1;

/** Milliseconds for fetching, unpacking and building one, which takes well below a second: a slow disk, a network mount. */
const OPEN_TIMEOUT_MS = 60_000;
/** Each takes a core while Bun works. New ones may loop for as long as they are given, and those that calls wait for not. */
const ADMITTED_AT_ONCE = 2;
const OPENED_AT_ONCE = 2;

/**
 * The unpacked and built bundles on this machine: a cache of what is in the blob store. A folder is there whole or not at
 * all. Its path is absolute, and one process at a time uses the cache.
 */
export class BundleFolders {
  readonly #options: BundleFoldersOptions;
  readonly #opening = new Map<string, Promise<string>>();
  readonly #admitting = new Turns(ADMITTED_AT_ONCE);
  readonly #openings = new Turns(OPENED_AT_ONCE);
  #directory: Promise<string> | undefined;

  constructor(options: BundleFoldersOptions) {
    this.#options = options;
  }

  /**
   * Makes the cache, and removes what an earlier process left half made. Where Bun cannot be run, the first use does it that
   * finds it there: the server starts without it.
   */
  async start(): Promise<void> {
    try {
      await this.#prepared();
    } catch (error) {
      if (!(error instanceof ReactorError && error.code === 'cold_start_failed')) throw error;
    }
  }

  /**
   * The folder of a deployment with its built module, see `builtModule`; made where it is not there. Those who ask for one
   * at once share the work, which goes on when one of them leaves.
   * @throws ReactorError `deployment_not_ready` (503), with the cause; the reason of `signal`
   */
  async open(deployment: Deployment, signal: AbortSignal): Promise<string> {
    const name = folderName(deployment);
    let opening = this.#opening.get(name);
    if (opening === undefined) {
      opening = this.#open(name, deployment).finally(() => this.#opening.delete(name));
      this.#opening.set(name, opening);
    }
    return untilAborted(opening, signal);
  }

  async #open(name: string, deployment: Deployment): Promise<string> {
    try {
      const folder = join(await this.#prepared(), name);
      if (await exists(folder)) return folder;
      const read = async () => ({ entry: deployment.settings.entry });
      await withTimeout(OPEN_TIMEOUT_MS, (signal) =>
        this.#openings.run(signal, () => this.#make(deployment, signal, read)),
      );
      return folder;
    } catch (cause) {
      throw functionsErrors.create.deployment_not_ready('The bundle of the function cannot be loaded now.', {
        cause,
        headers: { 'Retry-After': '1' },
      });
    }
  }

  /**
   * Takes a new bundle in: unpacks it, reads what it says, builds it and imports it once.
   * @throws ReactorError `bundle_invalid` (400), `archive_invalid` (400), `archive_too_large` (413), `cold_start_failed` (503)
   *   when Bun cannot be run; what the blob store throws, and the reason of `signal`
   */
  async admit(bundle: StoredBundle, signal: AbortSignal): Promise<KeptFunctionFile> {
    return this.#admitting.run(signal, () =>
      this.#make(bundle, signal, readFunctionFile, async (build, file) =>
        checkModule(await this.#bun(), build, memoryMbOf(file), signal),
      ),
    );
  }

  /**
   * Removes all folders but those of `keep`.
   * @returns how many went
   */
  async prune(keep: Iterable<FolderRef>): Promise<number> {
    const directory = await this.#prepared();
    const kept = new Set(Array.from(keep, folderName));
    let removed = 0;
    for (const name of await readdir(directory)) {
      if (name.startsWith(TEMPORARY) || name === BOOT_FILE || kept.has(name) || this.#opening.has(name)) continue;
      // Nobody opens it half removed.
      const going = join(directory, `${TEMPORARY}${randomUUID()}`);
      await rename(join(directory, name), going);
      await rm(going, { recursive: true, force: true });
      removed += 1;
    }
    return removed;
  }

  /** Gives a bundle its folder: made under another name, and renamed once it is whole. */
  async #make<T extends { readonly entry: string }>(
    stored: StoredBundle,
    signal: AbortSignal,
    read: (bundle: string) => Promise<T>,
    check?: (build: Buildable, found: T) => Promise<void>,
  ): Promise<T> {
    const directory = await this.#prepared();
    const making = join(directory, `${TEMPORARY}${randomUUID()}`);
    const bundle = join(making, 'bundle');
    try {
      await makeFolder(making, 0o755);
      await unpack(this.#fetch(stored), bundle, { ...BUNDLE_LIMITS, maxArchiveBytes: stored.sizeBytes }, signal);
      const found = await read(bundle);
      const build = { bundle, entry: found.entry, scratch: making };
      await buildModule(await this.#bun(), build, signal);
      await check?.(build, found);
      await moveUnlessThere(bundle, join(directory, folderName({ sha256: stored.sha256, settings: found })));
      return found;
    } finally {
      await rm(making, { recursive: true, force: true });
    }
  }

  /** The archive, which is the one that was stored: its end is an error otherwise. */
  async *#fetch({ blobKey, sha256, sizeBytes }: StoredBundle): AsyncGenerator<Uint8Array> {
    const blob = await this.#options.blobs.get(blobKey);
    if (blob === undefined) throw damaged(`there is no blob ${blobKey}`);
    const hash = createHash('sha256');
    const chunks = blob.body instanceof Uint8Array ? [blob.body] : (blob.body as AsyncIterable<Uint8Array>);
    let size = 0;
    let last: Uint8Array | undefined;
    for await (const chunk of chunks) {
      if (last !== undefined) yield last;
      hash.update(chunk);
      size += chunk.length;
      last = chunk;
    }
    // Before the last bytes are given away: without them no archive is whole.
    if (size !== sizeBytes || hash.digest('hex') !== sha256) {
      throw damaged(`the blob ${blobKey} is not the bundle that was stored`);
    }
    if (last !== undefined) yield last;
  }

  async #bun(): Promise<BunRuntime> {
    try {
      return await this.#options.bun();
    } catch (cause) {
      throw functionsErrors.create.cold_start_failed('Bun cannot be run on this server.', {
        cause,
        headers: { 'Retry-After': '5' },
      });
    }
  }

  async #prepared(): Promise<string> {
    this.#directory ??= this.#prepare();
    try {
      return await this.#directory;
    } catch (error) {
      this.#directory = undefined;
      throw error;
    }
  }

  async #prepare(): Promise<string> {
    const { ledger } = this.#options;
    const bun = await this.#bun();
    await mkdir(bun.cacheDirectory, { recursive: true });
    const all = join(bun.cacheDirectory, 'functions');
    // Several databases may share the cache of one server.
    const own = join(all, await ledger.storeId());
    for (const folder of [all, own]) {
      await makeFolder(folder, bun.account === undefined ? 0o700 : 0o750);
      // Nobody else may read what lies below.
      if (bun.account !== undefined) await chown(folder, process.getuid?.() ?? 0, bun.account.gid);
    }
    await removeLeftovers(own);
    return own;
  }
}

/** The name that the folder of a deployment has in the cache. */
export function folderName({ sha256, settings }: FolderRef): string {
  const entry = createHash('sha256').update(`${FORM}\0${settings.entry}`).digest('hex').slice(0, 12);
  return `${sha256}-${entry}`;
}

/**
 * What was written before the machine went down may not be on the disk, though its name is: a cache of an earlier start of
 * the machine is not trusted. Where that cannot be told apart, none is.
 */
async function removeLeftovers(directory: string): Promise<void> {
  const bootFile = join(directory, BOOT_FILE);
  const [now, then] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined),
    readFile(bootFile, 'utf8').catch(() => undefined),
  ]);
  const isSameStart = now !== undefined && now === then;
  for (const name of await readdir(directory)) {
    if (isSameStart && !name.startsWith(TEMPORARY)) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
  if (now !== undefined) await writeFile(bootFile, now);
}

async function makeFolder(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true });
  // Whatever the umask of this process is.
  await chmod(path, mode);
}

/** Where it is there already, another one has made the same. */
async function moveUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function damaged(why: string): ReactorError {
  return blobErrors.create.blob_damaged('The stored bundle is damaged or gone.', { cause: new Error(why) });
}
