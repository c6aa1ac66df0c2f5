import { parse, type TomlTable } from 'smol-toml';
import { CliError } from '../errors.js';
import { readIfThere } from './files.js';

/** What the command line needs of a server's configuration: its environment over its `Reactor.toml`. */
export interface ServerSettings {
  /** Of the file, when there is one. */
  readonly path?: string;
  /** As written: `0.0.0.0:8000`. */
  readonly bind?: string;
  /** As written, relative to the folder of the file, or of the server. */
  readonly stateDir?: string;
  readonly adminToken?: string;
  /** Name of the environment variable that the admin token is in, when that is not set here. */
  readonly adminTokenUnset?: string;
}

export const MANIFEST_FILE = 'Reactor.toml';

/**
 * @returns undefined when there is no such file
 * @throws CliError `CONFIG_ERROR` when it is not TOML
 */
export async function readManifest(path: string, env: Env): Promise<ServerSettings | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  let document: TomlTable;
  try {
    document = parse(text);
  } catch (error) {
    throw new CliError('CONFIG_ERROR', `${path}: ${(error as Error).message}`);
  }
  return { path, ...settingsOf(document, env) };
}

/** What the environment alone says, as a server without a `Reactor.toml` reads it. */
export function environmentSettings(env: Env): ServerSettings {
  return settingsOf({}, env);
}

function settingsOf(document: TomlTable, env: Env): ServerSettings {
  const bind = stringAt(document, 'server', 'bind', env);
  const stateDir = stringAt(document, 'server', 'state_dir', env);
  let adminTokenUnset: string | undefined;
  const adminToken = stringAt(document, 'admin', 'token', env, (name) => {
    adminTokenUnset ??= name;
  });
  return {
    ...(bind === undefined ? {} : { bind }),
    ...(stateDir === undefined ? {} : { stateDir }),
    ...(adminToken === undefined ? {} : { adminToken }),
    ...(adminTokenUnset === undefined ? {} : { adminTokenUnset }),
  };
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * A string value, of `REACTOR_SECTION__KEY` or of the file, with its `env:X` and `{{ env X }}` references resolved; undefined when one of them is not set or nothing
 * is left, as when CI has a variable for a secret that it does not have.
 * @param unset told the variables that are why
 */
function stringAt(
  document: TomlTable,
  section: string,
  key: string,
  env: Env,
  unset: (name: string) => void = () => {},
): string | undefined {
  const table = document[section];
  const written = typeof table === 'object' && !Array.isArray(table) ? (table as TomlTable)[key] : undefined;
  const value = env[`REACTOR_${section}__${key}`.toUpperCase()] || written;
  if (typeof value !== 'string') return undefined;
  const empty: string[] = [];
  const lookUp = (name: string): string => {
    if (!env[name]) empty.push(name);
    return env[name] ?? '';
  };
  const resolved = value.startsWith('env:')
    ? lookUp(value.slice('env:'.length))
    : value.replace(/\{\{ *env +(\w+) *\}\}/g, (_, name: string) => lookUp(name));
  if (resolved !== '' && empty.every((name) => env[name] !== undefined)) return resolved;
  for (const name of empty) unset(name);
  return undefined;
}
