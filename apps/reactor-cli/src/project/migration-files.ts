import { readdir, readFile, stat } from 'node:fs/promises';
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
  const files = (await listing(folder)).filter((name) => name.endsWith('.sql') && !name.startsWith('.')).sort();
  return Promise.all(
    files.map(async (file) => {
      const path = join(folder, file);
      const text = await reading(path, readFile(path, 'utf8'));
      return { name: file.slice(0, -'.sql'.length), sql: text.replaceAll('\r\n', '\n') };
    }),
  );
}

async function listing(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw new CliError('IO_ERROR', `${folder} ${await whyNot(folder, (error as NodeJS.ErrnoException).code)}`);
  }
}

async function whyNot(folder: string, code: string | undefined): Promise<string> {
  // ENOTDIR also comes when it is a folder of the path that is a file.
  const isFile = code === 'ENOTDIR' && (await stat(folder).catch(() => undefined)) !== undefined;
  if (isFile) return 'is a file, and a folder is needed';
  return code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be read: ${code}`;
}

async function reading<T>(path: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw new CliError('IO_ERROR', `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
