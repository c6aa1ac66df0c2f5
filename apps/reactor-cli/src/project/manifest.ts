import { parse, type TomlTable } from 'smol-toml';
import { CliError } from '../errors.js';
import { readIfThere } from './files.js';

/** What the command line needs of a server's `Reactor.toml`. */
export interface Manifest {
  readonly path: string;
  /** As written: `0.0.0.0:8000`. */
  readonly bind?: string;
  /** As written, relative to the file. */
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
export async function readManifest(path: string, env: Env): Promise<Manifest | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  let document: TomlTable;
  try {
    document = parse(text);
  } catch (error) {
    throw new CliError('CONFIG_ERROR', `${path}: ${(error as Error).message}`);
  }
  const bind = stringAt(document, 'server', 'bind', env);
  const stateDir = stringAt(document, 'server', 'state_dir', env);
  let adminTokenUnset: string | undefined;
  const adminToken = stringAt(document, 'admin', 'token', env, (name) => {
    adminTokenUnset ??= name;
  });
  return {
    path,
    ...(bind === undefined ? {} : { bind }),
    ...(stateDir === undefined ? {} : { stateDir }),
    ...(adminToken === undefined ? {} : { adminToken }),
    ...(adminTokenUnset === undefined ? {} : { adminTokenUnset }),
  };
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * A string value with its `env:X` and `{{ env X }}` references resolved; undefined when one of them is not set or nothing
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
  const value = typeof table === 'object' && !Array.isArray(table) ? (table as TomlTable)[key] : undefined;
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
