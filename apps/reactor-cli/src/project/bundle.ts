import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from '../errors.js';

/** A function with its dependencies has some thousand; a home directory has more. */
const MAX_FILES = 100_000;

/** A file of a bundle. */
export interface BundleFile {
  /** Below the folder, with `/` between its segments. */
  readonly path: string;
  /** Absolute. */
  readonly source: string;
  readonly size: number;
}

/** What a folder holds to be deployed. */
export interface Bundle {
  /** In the byte order of their paths, so that the same files make the same archive. */
  readonly files: readonly BundleFile[];
  /** Paths of what stays here; that of a folder stands for what is in it. */
  readonly leftOut: readonly string[];
}

/** Whether files and folders of this name stay on this machine: history, litter, and values that are secret. */
export function isLeftOut(name: string): boolean {
  return name === '.git' || name === '.DS_Store' || name.startsWith('.env');
}

/**
 * Lists the files of a folder. Nothing is read yet.
 * @param folder absolute
 * @throws CliError `INVALID_ARGUMENT` naming a path that a bundle cannot hold, `IO_ERROR` one that cannot be read
 */
export async function listBundle(folder: string): Promise<Bundle> {
  const files: BundleFile[] = [];
  const leftOut: string[] = [];
  const walk = async (parent: string): Promise<void> => {
    const entries = await reading(parent || folder, readdir(join(folder, parent), { withFileTypes: true }));
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = parent === '' ? entry.name : `${parent}/${entry.name}`;
      if (isLeftOut(entry.name)) leftOut.push(path);
      else if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) {
        const source = join(folder, path);
        files.push({ path, source, size: (await reading(path, lstat(source))).size });
      } else if (!isCommandOfPackage(path)) throw notAFile(path, entry.isSymbolicLink());
      if (files.length > MAX_FILES) {
        throw new CliError(
          'INVALID_ARGUMENT',
          `${folder} has more than ${MAX_FILES} files`,
          'Name the folder of the function.',
        );
      }
    }
  };
  await walk('');
  if (files.length === 0) throw new CliError('INVALID_ARGUMENT', `there are no files in ${folder}`);
  files.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  return { files, leftOut };
}

/**
 * The tar.gz of a bundle, as its files are read.
 * @throws CliError `INVALID_ARGUMENT` for a name that archives do not take, `IO_ERROR` for a file that cannot be read or
 * changes meanwhile
 */
export async function* packBundle({ files }: Bundle): AsyncGenerator<Uint8Array> {
  // Brings the whole of core with it, which every other command does without.
  const { writeArchive } = await import('@reactor/archive');
  let path = '';
  const entries = files.map((file) => ({
    path: file.path,
    size: file.size,
    body: contentOf(file, () => {
      path = file.path;
    }),
  }));
  try {
    yield* writeArchive(entries);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'archive_invalid') throw new CliError('INVALID_ARGUMENT', message, 'Rename it.');
    if (code === undefined) throw new CliError('IO_ERROR', message, 'The file was changed meanwhile; deploy again.');
    throw new CliError('IO_ERROR', `${path} cannot be read: ${code}`);
  }
}

async function* contentOf({ source }: BundleFile, onOpen: () => void): AsyncGenerator<Uint8Array> {
  onOpen();
  // A link that took the place of the file since it was listed is not followed. Windows has no such flag.
  const handle = await open(source, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  yield* handle.createReadStream();
}

/** npm links the commands of packages there; nothing that is imported needs them. */
function isCommandOfPackage(path: string): boolean {
  return /(?:^|\/)node_modules\/\.bin\/[^/]+$/.test(path);
}

function notAFile(path: string, isLink: boolean): CliError {
  const message = `${path} is ${isLink ? 'a link' : 'a device, socket or pipe'}, and a bundle holds files and folders only`;
  if (!isLink) return new CliError('INVALID_ARGUMENT', message, 'Remove it.');
  const hint = path.split('/').includes('node_modules')
    ? 'Install without links: npm install, bun install, or pnpm install --config.node-linker=hoisted.'
    : 'Put a copy of what it points to in its place.';
  return new CliError('INVALID_ARGUMENT', message, hint);
}

async function reading<T>(path: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = { ENOENT: 'does not exist', ENOTDIR: 'is not a folder' }[code ?? ''] ?? `cannot be read: ${code}`;
    throw new CliError('IO_ERROR', `${path} ${why}`);
  }
}
