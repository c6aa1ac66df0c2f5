import { randomUUID } from 'node:crypto';
import { readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
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
  // A link stays one.
  const target = await realpath(path).catch(() => path);
  try {
    const found = await stat(target).catch(() => undefined);
    // A pipe or a device must not be replaced, nor waited for.
    if (found !== undefined && !found.isFile()) await writeFile(target, text);
    else if (found !== undefined && (await readFile(target, 'utf8')) === text) return false;
    else await replace(target, text);
  } catch (error) {
    throw new CliError('IO_ERROR', `${path} cannot be written: ${(error as NodeJS.ErrnoException).code}`);
  }
  return true;
}

async function replace(path: string, text: string): Promise<void> {
  // Beside it, so that the rename stays within one file system.
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
