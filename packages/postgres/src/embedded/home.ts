import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@reactor/core';
import type { Account } from './account.js';
import { EmbeddedPostgresError } from './errors.js';
import { run } from './run.js';
import { SHARED_ROOT } from './shared-root.js';

/** A short name for a state directory, the same at every start. */
export function shortName(stateDirectory: string): string {
  return createHash('sha256').update(stateDirectory).digest('hex').slice(0, 12);
}

/**
 * The folder that holds everything of the embedded PostgreSQL: `<state>/postgres`, owned by the account it runs under
 * and closed to others. When that account cannot enter the state directory, a folder below /var/lib/reactor.
 * @throws EmbeddedPostgresError `directory_unusable`, `wrong_owner`
 */
export async function prepareHome(
  stateDirectory: string,
  account: Account | undefined,
  logger: Logger,
): Promise<string> {
  const home = join(stateDirectory, 'postgres');
  if (account === undefined) return createOwned(home, undefined);
  await letPass(stateDirectory);
  const fallback = join(SHARED_ROOT, shortName(stateDirectory), 'postgres');
  if (!(await exists(join(fallback, 'data')))) {
    await createOwned(home, account);
    if (await canEnter(home, account)) return home;
  }
  await mkdir(join(SHARED_ROOT, shortName(stateDirectory)), { recursive: true, mode: 0o711 });
  await createOwned(fallback, account);
  logger.warn('the account of PostgreSQL cannot enter the state directory; the database is kept elsewhere', {
    account: account.name,
    state_directory: stateDirectory,
    database_directory: fallback,
  });
  return fallback;
}

/** Root's state directory is 0700; PostgreSQL must pass through it, without being able to list it. */
async function letPass(stateDirectory: string): Promise<void> {
  const { mode } = await stat(stateDirectory);
  if ((mode & 0o011) !== 0o011) await chmod(stateDirectory, (mode & 0o777) | 0o011);
}

async function canEnter(directory: string, account: Account): Promise<boolean> {
  const { exitCode } = await run('/bin/sh', ['-c', 'test -w "$1" && cd "$1"', 'sh', directory], account);
  return exitCode === 0;
}

async function createOwned(directory: string, account: Account | undefined): Promise<string> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const { uid } = await lstat(directory);
    const wanted = account?.uid ?? process.getuid?.() ?? uid;
    if (uid !== wanted && account === undefined) {
      throw new EmbeddedPostgresError(
        'wrong_owner',
        `${directory} belongs to uid ${uid}, this process is uid ${wanted}`,
        `Start the server as the user who started it before, or hand the folder over with: chown -R ${wanted} ${directory}`,
      );
    }
    if (uid !== wanted && account !== undefined) await chown(directory, account.uid, account.gid);
    return directory;
  } catch (cause) {
    if (cause instanceof EmbeddedPostgresError) throw cause;
    throw new EmbeddedPostgresError(
      'directory_unusable',
      `${directory} cannot be created or used: ${(cause as Error).message}`,
      'Make the state directory writable, or choose another one with [server] state_dir.',
      { cause },
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
