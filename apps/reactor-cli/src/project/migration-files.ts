import { isUtf8 } from 'node:buffer';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from '../errors.js';

const SAVE_IT = 'save the file as UTF-8';

/** One migration, as the server takes it. */
export interface MigrationFile {
  /** File name without `.sql`. */
  readonly name: string;
  readonly sql: string;
}

/**
 * Reads the `*.sql` files of a folder as a server reads its own: in the byte order of their names, CRLF as LF, so that
 * the same files have the same checksums wherever they come from. A byte order mark is dropped.
 * @throws CliError `IO_ERROR` naming the folder or file that cannot be read, `INVALID_ARGUMENT` one that is not UTF-8
 */
export async function readMigrationFiles(folder: string): Promise<readonly MigrationFile[]> {
  const files = (await listing(folder)).filter((name) => /\.sql$/i.test(name) && !name.startsWith('.')).sort();
  return Promise.all(
    files.map(async (file) => {
      const path = join(folder, file);
      if (!file.endsWith('.sql')) {
        throw new CliError('INVALID_ARGUMENT', `${path}: the name must end in .sql, in lower case`);
      }
      const text = decoded(path, await reading(path, readFile(path)));
      return { name: file.slice(0, -'.sql'.length), sql: text.replaceAll('\r\n', '\n') };
    }),
  );
}

function decoded(path: string, bytes: Buffer): string {
  if (bytes.includes(0)) throw new CliError('INVALID_ARGUMENT', `${path}: byte ${bytes.indexOf(0)} is NUL; ${SAVE_IT}`);
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  const at = firstInvalid(bytes);
  const byte = (bytes[at] ?? 0).toString(16).toUpperCase().padStart(2, '0');
  throw new CliError('INVALID_ARGUMENT', `${path}: byte ${at} (0x${byte}) is not UTF-8; ${SAVE_IT}`);
}

/** Where the decoder had to put U+FFFD for something else. */
function firstInvalid(bytes: Buffer): number {
  const [first = '', ...parts] = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).split('\uFFFD');
  let offset = Buffer.byteLength(first);
  for (const part of parts) {
    if (bytes.readUIntBE(offset, Math.min(3, bytes.length - offset)) !== 0xefbfbd) return offset;
    offset += 3 + Buffer.byteLength(part);
  }
  return offset;
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
