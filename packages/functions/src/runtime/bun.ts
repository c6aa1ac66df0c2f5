import { createHash } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from '@reactor/core';
import { type Account, chooseAccount, run, SHARED_ROOT } from '@reactor/processes';

/** What runs functions on this machine. */
export interface BunRuntime {
  /** Absolute path of the executable, which `account` can run. */
  readonly binary: string;
  /** Whom it runs as; undefined where the server is not root, and it runs under the server's own account. */
  readonly account: Account | undefined;
  /** Where built bundles are kept. `account` can pass through the folders above it. */
  readonly cacheDirectory: string;
  /** Where our own scripts are, which `account` can read. */
  readonly scripts: string;
}

/** Whom functions run as where the server is root; PostgreSQL has another one. */
const ACCOUNTS = ['reactor-functions', 'nobody'];
const SCRIPTS = fileURLToPath(new URL('../../runtime/', import.meta.url));
const ENV = { PATH: '/usr/bin:/bin' };

/**
 * The executable of the `bun` package: the file itself, since the link in `.bin` leads to a script where install scripts
 * were held back. Whether it is there is for the health check, the doctor and the first start to say.
 * @throws Error when the package is not installed
 */
export function findBun(): string {
  return join(dirname(createRequire(import.meta.url).resolve('bun/package.json')), 'bin/bun.exe');
}

/**
 * Finds out whom functions run as, and makes what that account needs: a cache that it can enter, our scripts, and Bun. Where
 * it can enter neither the state directory nor the folder of the package, below a home of root for one, both are kept below
 * /var/lib/reactor.
 * @param cacheDirectory absolute
 * @throws NoAccountError, and the system error of what cannot be made or run
 */
export async function prepareBun(binary: string, cacheDirectory: string, logger: Logger): Promise<BunRuntime> {
  const account = await chooseAccount(ACCOUNTS, join(cacheDirectory, 'run', 'sockets'));
  const directory = await reachable(cacheDirectory, account, logger);
  const scripts = join(directory, 'run', 'scripts');
  await cp(SCRIPTS, scripts, { recursive: true });
  for (const folder of [join(directory, 'run'), scripts]) await chmod(folder, 0o755);
  return { binary: await runnable(binary, account, logger), account, cacheDirectory: directory, scripts };
}

async function reachable(directory: string, account: Account | undefined, logger: Logger): Promise<string> {
  await mkdir(join(directory, 'run'), { recursive: true });
  if (account === undefined) return directory;
  await chmod(directory, 0o755);
  const { exitCode } = await run('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], { env: ENV, account });
  if (exitCode === 0) return directory;
  // The same at every start, so that a crash leaves one folder and not many.
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 12);
  const elsewhere = join(SHARED_ROOT, `functions-${name}`);
  await mkdir(join(elsewhere, 'run'), { recursive: true, mode: 0o755 });
  logger.info('the account of functions cannot enter the state directory; using another folder', {
    account: account.name,
    folder: directory,
    used: elsewhere,
  });
  return elsewhere;
}

async function runnable(binary: string, account: Account | undefined, logger: Logger): Promise<string> {
  try {
    await versionOf(binary, account);
    return binary;
  } catch (error) {
    if (account === undefined || (error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
  }
  const copy = await copyToSharedRoot(binary, await versionOf(binary, undefined));
  logger.info('the account of functions cannot enter the folder of Bun; using a copy', {
    account: account.name,
    file: binary,
    copy,
  });
  await versionOf(copy, account);
  return copy;
}

/** Whether it runs now. */
export async function runs({ binary, account }: Pick<BunRuntime, 'binary' | 'account'>): Promise<boolean> {
  return versionOf(binary, account).then(
    () => true,
    () => false,
  );
}

/** @throws the system error when it cannot be started, an Error with what it said when it failed */
async function versionOf(binary: string, account: Account | undefined): Promise<string> {
  const { exitCode, stdout, stderr } = await run(binary, ['--version'], { env: ENV, account });
  if (exitCode === 0) return stdout.trim();
  throw new Error(`${binary} --version ended with exit code ${exitCode}: ${stderr.trim().slice(0, 500)}`);
}

async function copyToSharedRoot(binary: string, version: string): Promise<string> {
  const target = join(SHARED_ROOT, `bun-${version}`);
  const isThere = await stat(target).then(
    () => true,
    () => false,
  );
  if (isThere) return target;
  await mkdir(SHARED_ROOT, { recursive: true, mode: 0o755 });
  const partial = `${target}.${process.pid}`;
  try {
    await copyFile(binary, partial);
    await chmod(partial, 0o755);
    await rename(partial, target);
  } finally {
    await rm(partial, { force: true });
  }
  return target;
}
