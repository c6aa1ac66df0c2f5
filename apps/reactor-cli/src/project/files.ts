import { readFile } from 'node:fs/promises';
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
