import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from '../errors.js';

/** One migration, as the server takes it. */
export interface MigrationFile {
  /** File name without `.sql`. */
  readonly name: string;
  readonly sql: string;
}

/**
 * Reads the `*.sql` files of a folder as a server reads its own: in the byte order of their names, CRLF as LF, so that
 * the same files have the same checksums wherever they come from.
 * @throws CliError `IO_ERROR` naming the folder or file that cannot be read
 */
export async function readMigrationFiles(folder: string): Promise<readonly MigrationFile[]> {
  const files = (await reading(folder, readdir(folder)))
    .filter((name) => name.endsWith('.sql') && !name.startsWith('.'))
    .sort();
  return Promise.all(
    files.map(async (file) => {
      const path = join(folder, file);
      const text = await reading(path, readFile(path, 'utf8'));
      return { name: file.slice(0, -'.sql'.length), sql: text.replaceAll('\r\n', '\n') };
    }),
  );
}

async function reading<T>(path: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw new CliError('IO_ERROR', `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
