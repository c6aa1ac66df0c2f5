import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataErrors } from '../errors.js';
import { decodeSql } from './decode.js';

/** One of the app's own migrations. */
export interface AppMigration {
  /** File name without `.sql`. */
  readonly name: string;
  readonly sql: string;
  /** `<line>: <why it cannot be run>`, of a file that is damaged. */
  readonly fault?: string;
}

/**
 * Reads the `*.sql` files of a folder, in the byte order of their names; other files are ignored. What is wrong with
 * a file matters when it is to run: one that was applied may not change any more.
 * @throws ReactorError `migrations_unreadable` (500) naming the folder or file when it cannot be read
 */
export async function readMigrationFiles(directory: string): Promise<readonly AppMigration[]> {
  const names = await reading(`the folder ${directory}`, readdir(directory));
  const files = names.filter((name) => /\.sql$/i.test(name) && !name.startsWith('.')).sort();
  return Promise.all(
    files.map(async (file): Promise<AppMigration> => {
      const { sql, ...decoded } = decodeSql(
        await reading(`the file ${join(directory, file)}`, readFile(join(directory, file))),
      );
      const name = file.slice(0, -'.sql'.length);
      // A checkout that turns line ends into CRLF must not look like a changed migration.
      const migration = { name, sql: sql.replaceAll('\r\n', '\n'), ...decoded };
      return file.endsWith('.sql')
        ? migration
        : { ...migration, fault: `1: the file is called ${file}; rename it to ${name}.sql` };
    }),
  );
}

async function reading<T>(what: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw dataErrors.create.migrations_unreadable(`data.migrations_dir: ${what} cannot be read: ${code}`, {
      cause: error,
    });
  }
}
