import { readdir } from 'node:fs/promises';
import path from 'node:path';

export const CONFIG_FILE = 'Reactor.toml';

export interface ConfigLocation {
  /** Absolute; absent when there is no file. */
  readonly file?: string;
  /** As the user knows it. */
  readonly name: string;
  /** Absolute; relative paths of the configuration start here. */
  readonly directory: string;
}

/** @param flag `--config`, which need not be in `directory` and must exist */
export async function locateConfigFile(directory: string, flag: string | undefined): Promise<ConfigLocation> {
  if (flag !== undefined) {
    const file = path.resolve(directory, flag);
    return { file, name: flag, directory: path.dirname(file) };
  }
  // The listing tells `Reactor.toml` from the command line's `reactor.toml` where the file system does not.
  const names = await readdir(directory).catch((): string[] => []);
  if (!names.includes(CONFIG_FILE)) return { name: CONFIG_FILE, directory };
  return { file: path.join(directory, CONFIG_FILE), name: CONFIG_FILE, directory };
}
