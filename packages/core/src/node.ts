import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Migration } from './capability.js';

/** `0001_create_buckets.sql`: four digits, then snake_case. */
const MIGRATION_FILE = /^(\d{4})_[a-z0-9]+(?:_[a-z0-9]+)*\.sql$/;

/**
 * Reads a folder of numbered SQL files, in ascending order.
 * @param directory usually `new URL('../migrations/', import.meta.url)`, which holds from `src` and from `dist`
 * @throws Error naming the file whose name has another form, whose number is taken, or that is empty; a file that was
 *   skipped in silence would be a table that is missing later
 */
export function loadMigrations(directory: URL): readonly Migration[] {
  const folder = fileURLToPath(directory);
  const files = readdirSync(folder)
    .filter((file) => !file.startsWith('.'))
    .sort();
  const byNumber = new Map<string, string>();
  return files.map((file) => {
    const problem = (what: string) => new Error(`migration ${JSON.stringify(file)} in ${folder}: ${what}`);
    const number = MIGRATION_FILE.exec(file)?.[1];
    if (number === undefined) throw problem('the name must be four digits, then snake_case: 0001_create_buckets.sql');
    const taken = byNumber.get(number);
    if (taken !== undefined) throw problem(`the number ${number} is taken by ${JSON.stringify(taken)}`);
    byNumber.set(number, file);
    // A checkout that turns line ends into CRLF must not look like a changed migration.
    const sql = readFileSync(new URL(file, withSlash(directory)), 'utf8').replaceAll('\r\n', '\n');
    if (sql.trim() === '') throw problem('the file is empty');
    return { id: file.slice(0, -'.sql'.length), sql };
  });
}

function withSlash(directory: URL): URL {
  return directory.pathname.endsWith('/') ? directory : new URL(`${directory.href}/`);
}

/**
 * The version of the package whose file calls.
 * @param manifest `new URL('../package.json', import.meta.url)`, which holds from `src` and from `dist`
 */
export function packageVersion(manifest: URL): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
