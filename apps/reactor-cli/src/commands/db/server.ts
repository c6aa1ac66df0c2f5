import { CliError } from '../../errors.js';
import type { Client } from '../../http/client.js';
import { type MigrationFile, readMigrationFiles } from '../../project/migration-files.js';

/** Where the operator's routes of data are. */
export const DATA_ADMIN = '/data/v1/_admin';

/** Every route of data answers 404 where it is not mounted, and only there. */
export const ACCEPT = { accept: [404] };

/** @throws CliError `CLIENT_ERROR` for the answer of a server without data */
export function requireData<T extends { readonly status: number }>({ connection }: Client, answer: T): T {
  if (answer.status !== 404) return answer;
  throw new CliError(
    'CLIENT_ERROR',
    `the server at ${connection.url.origin} has no data capability: [data] is not mounted`,
    'Add a section [data] to its Reactor.toml and start it again.',
  );
}

/**
 * @param folder undefined for the server's own files, which need no body
 * @throws CliError `INVALID_ARGUMENT` for a folder without migrations: to a deployment it would look like success
 */
export async function migrationsBody(
  folder: string | undefined,
): Promise<{ readonly migrations: readonly MigrationFile[] } | undefined> {
  if (folder === undefined) return undefined;
  const migrations = await readMigrationFiles(folder);
  if (migrations.length === 0) throw new CliError('INVALID_ARGUMENT', `there are no *.sql files in ${folder}`);
  return { migrations };
}

/** @throws CliError `SERVER_ERROR` when `body` has no list of names under `key` */
export function namesIn(body: unknown, key: string): readonly string[] {
  const list = (body as Readonly<Record<string, unknown>> | null)?.[key];
  if (Array.isArray(list) && list.every((name) => typeof name === 'string')) return list;
  throw new CliError('SERVER_ERROR', 'the server answered something that says nothing about migrations');
}
