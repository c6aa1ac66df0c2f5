import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { CliError } from '../errors.js';

/**
 * @returns undefined when there is no such file
 * @throws CliError `IO_ERROR` when it is there and cannot be read
 */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CliError('IO_ERROR', message, 'Run as the user the server runs as.');
  }
}

/**
 * Puts `text` into a file, whole or not at all. A file that has it already is not touched.
 * @returns whether the file changed
 * @throws CliError `IO_ERROR` naming the file
 */
export async function writeIfChanged(path: string, text: string): Promise<boolean> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) === text) return false;
  // Beside it, so that the rename stays within one file system.
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new CliError('IO_ERROR', `${path} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
  return true;
}
