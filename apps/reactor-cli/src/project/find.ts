import { access } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type LockedBy, readLockFile } from './lock-file.js';
import { environmentSettings, MANIFEST_FILE, readManifest, type ServerSettings } from './manifest.js';

/** A server's folder on this machine. */
export interface Project {
  readonly settings: ServerSettings;
  /** Absolute. */
  readonly stateDirectory: string;
  readonly lock?: LockedBy;
}

const DEFAULT_STATE_DIR = '.reactor';

/**
 * Looks in `directory` and then in each folder above it for a `Reactor.toml`, a `.reactor` folder, or the files of a
 * state directory itself. As for the server, `REACTOR_SERVER__STATE_DIR` says where a state directory is instead.
 * @throws CliError `CONFIG_ERROR`, `IO_ERROR` when what it finds cannot be read
 */
export async function findProject(
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Project | undefined> {
  const environment = environmentSettings(env);
  const { stateDir = DEFAULT_STATE_DIR } = environment;
  for (let at = resolve(directory); ; at = dirname(at)) {
    const manifest = await readManifest(join(at, MANIFEST_FILE), env);
    if (manifest !== undefined) return project(resolve(at, manifest.stateDir ?? DEFAULT_STATE_DIR), manifest);
    const below = resolve(at, stateDir);
    if (await isStateDirectory(below)) return project(below, environment);
    if (environment.stateDir === undefined && (await isStateDirectory(at))) return project(at, environment);
    if (dirname(at) === at) break;
  }
  const isConfigured = Object.keys(environment).length > 0;
  return isConfigured ? project(resolve(directory, stateDir), environment) : undefined;
}

async function project(stateDirectory: string, settings: ServerSettings): Promise<Project> {
  const lock = await readLockFile(stateDirectory);
  return { stateDirectory, settings, ...(lock === undefined ? {} : { lock }) };
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
