import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Writes files of the app's own migrations into the folder `migrations` of a project.
 * @param files name without `.sql` → text
 * @returns the environment that makes a server apply them
 */
export async function writeMigrations(
  directory: string,
  files: Readonly<Record<string, string>>,
): Promise<{ readonly REACTOR_DATA__MIGRATIONS_DIR: string }> {
  const folder = path.join(directory, 'migrations');
  await mkdir(folder, { recursive: true });
  for (const [name, sql] of Object.entries(files)) await writeFile(path.join(folder, `${name}.sql`), sql);
  return { REACTOR_DATA__MIGRATIONS_DIR: 'migrations' };
}
