import { access } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type LockedBy, readLockFile } from './lock-file.js';
import { MANIFEST_FILE, type Manifest, readManifest } from './manifest.js';

/** A server's folder on this machine. */
export interface Project {
  readonly manifest?: Manifest;
  /** Absolute. */
  readonly stateDirectory: string;
  readonly lock?: LockedBy;
}

const DEFAULT_STATE_DIR = '.reactor';

/**
 * Looks in `directory` and then in each folder above it for a `Reactor.toml`, a `.reactor` folder, or the files of a
 * state directory itself.
 * @throws CliError `CONFIG_ERROR`, `IO_ERROR` when what it finds cannot be read
 */
export async function findProject(
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Project | undefined> {
  for (let at = resolve(directory); ; at = dirname(at)) {
    const manifest = await readManifest(join(at, MANIFEST_FILE), env);
    if (manifest !== undefined) return project(resolve(at, manifest.stateDir ?? DEFAULT_STATE_DIR), manifest);
    const below = join(at, DEFAULT_STATE_DIR);
    if (await isStateDirectory(below)) return project(below);
    if (await isStateDirectory(at)) return project(at);
    if (dirname(at) === at) return undefined;
  }
}

async function project(stateDirectory: string, manifest?: Manifest): Promise<Project> {
  const lock = await readLockFile(stateDirectory);
  return { stateDirectory, ...(manifest === undefined ? {} : { manifest }), ...(lock === undefined ? {} : { lock }) };
}

async function isStateDirectory(path: string): Promise<boolean> {
  return (await exists(join(path, 'server.pid'))) || (await exists(join(path, 'admin-token')));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
