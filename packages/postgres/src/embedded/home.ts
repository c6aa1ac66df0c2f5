import { randomBytes } from 'node:crypto';
import { chmod, chown, lstat, mkdir, mkdtemp, readlink, realpath, rmdir, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@reactor/core';
import { type Account, SHARED_ROOT } from '@reactor/processes';
import { EmbeddedPostgresError } from './errors.js';
import { runProgram } from './run.js';

/**
 * The folder that holds everything of the embedded PostgreSQL: `<state>/postgres`, owned by the account it runs under
 * and closed to others. When that account cannot enter the state directory, `<state>/postgres` becomes a link to a
 * folder below /var/lib/reactor, so that old data does not come back after the state directory was removed.
 * @returns its real path, as the account must name it
 * @throws EmbeddedPostgresError `directory_unusable`, `wrong_owner`
 */
export async function prepareHome(
  stateDirectory: string,
  account: Account | undefined,
  logger: Logger,
): Promise<string> {
  const home = join(stateDirectory, 'postgres');
  try {
    await refuseDangling(home);
    if (account === undefined) {
      await mkdir(home, { recursive: true, mode: 0o700 });
      await refuseOthers(home);
      return await realpath(home);
    }
    await letPass(stateDirectory);
    const isLink = await lstat(home).then(
      (stats) => stats.isSymbolicLink(),
      () => false,
    );
    if (!isLink) {
      await mkdir(home, { recursive: true, mode: 0o700 });
      await chown(home, account.uid, account.gid);
      if (await canEnter(home, account)) return home;
      await moveAway(home, account);
    }
    return await enterLinked(home, stateDirectory, account, logger);
  } catch (cause) {
    if (cause instanceof EmbeddedPostgresError) throw cause;
    throw new EmbeddedPostgresError(
      'directory_unusable',
      `${home} cannot be created or used: ${(cause as Error).message}`,
      'Make the state directory writable, or choose another one with [server] state_dir.',
      { cause },
    );
  }
}

/** Such as in a copy of the state directory on another machine, to which the folder behind the link did not come. */
async function refuseDangling(home: string): Promise<void> {
  const target = await readlink(home).catch(() => undefined);
  if (target === undefined) return;
  await stat(home).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new EmbeddedPostgresError(
      'directory_unusable',
      `${home} is a link to ${target}, where the database was kept, and that folder is gone`,
      'Bring it back from where it was or from its backup (copying the state directory copies the link alone), or ' +
        'remove the link to begin with an empty database.',
      { cause },
    );
  });
}

async function refuseOthers(home: string): Promise<void> {
  const { uid } = await stat(home);
  const own = process.getuid?.() ?? uid;
  if (uid === own) return;
  throw new EmbeddedPostgresError(
    'wrong_owner',
    `${home} belongs to uid ${uid}, this process is uid ${own}`,
    `Start the server as the user who started it before, or hand the folder over with: chown -R ${own} ${home}/`,
  );
}

/** Root's state directory is 0700; PostgreSQL must pass through it, without being able to list it. */
async function letPass(stateDirectory: string): Promise<void> {
  const { mode } = await stat(stateDirectory);
  if ((mode & 0o011) !== 0o011) await chmod(stateDirectory, (mode & 0o777) | 0o011);
}

async function canEnter(directory: string, account: Account): Promise<boolean> {
  const { exitCode } = await runProgram('/bin/sh', ['-c', 'test -w "$1" && cd "$1"', 'sh', directory], account);
  return exitCode === 0;
}

/** Replaces an empty home by a link. One with data in it is refused: starting empty elsewhere would look like a loss. */
async function moveAway(home: string, account: Account): Promise<void> {
  await rmdir(home).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOTEMPTY') throw cause;
    // A new name: mv would put it into a folder that exists.
    const elsewhere = join(SHARED_ROOT, `database-${randomBytes(3).toString('hex')}`);
    throw new EmbeddedPostgresError(
      'directory_unusable',
      `The account ${account.name}, under which PostgreSQL runs, cannot enter ${home}`,
      'Let it pass through each folder above (chmod o+x), or move the database where it can: ' +
        `mkdir -p ${SHARED_ROOT} && mv ${home} ${elsewhere} && ln -s ${elsewhere} ${home}`,
      { cause },
    );
  });
  await mkdir(SHARED_ROOT, { recursive: true, mode: 0o755 });
  const target = await mkdtemp(join(SHARED_ROOT, 'database-'));
  await chown(target, account.uid, account.gid);
  await symlink(target, home);
}

async function enterLinked(home: string, stateDirectory: string, account: Account, logger: Logger): Promise<string> {
  const target = await realpath(home);
  if (!(await canEnter(target, account))) {
    throw new EmbeddedPostgresError(
      'directory_unusable',
      `${home} leads to ${target}, which the account ${account.name} of PostgreSQL cannot write`,
      `Hand the folder over with: chown -R ${account.name} ${target}`,
    );
  }
  logger.warn('the database is outside the state directory, and a backup of that directory does not include it', {
    account: account.name,
    state_directory: stateDirectory,
    database_directory: target,
  });
  return target;
}
