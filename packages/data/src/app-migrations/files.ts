import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataErrors } from '../errors.js';

/** One of the app's own migrations. */
export interface AppMigration {
  /** File name without `.sql`. */
  readonly name: string;
  readonly sql: string;
}

/**
 * Reads the `*.sql` files of a folder, in the byte order of their names; other files are none of ours.
 * @throws ReactorError `migrations_unreadable` (500) naming the folder when it cannot be read
 */
export async function readMigrationFiles(directory: string): Promise<readonly AppMigration[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw dataErrors.create.migrations_unreadable(
      `data.migrations_dir: the folder ${directory} cannot be read: ${code}`,
      { cause: error },
    );
  }
  const files = names.filter((name) => name.endsWith('.sql') && !name.startsWith('.')).sort();
  return Promise.all(
    files.map(async (file) => ({
      name: file.slice(0, -'.sql'.length),
      // A checkout that turns line ends into CRLF must not look like a changed migration.
      sql: (await readFile(join(directory, file), 'utf8')).replaceAll('\r\n', '\n'),
    })),
  );
}
