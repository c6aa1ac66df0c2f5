import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from '@reactor/processes';
import type { Binaries } from './binaries.js';
import { EmbeddedPostgresError, explainFailure } from './errors.js';
import { runProgram } from './run.js';

/** The superuser of the embedded server; who may open the socket may be it. */
export const SUPERUSER = 'postgres';

/**
 * `<home>/data`, created on first use. It appears under this name only when complete, so that a start that was cut
 * short leaves nothing a later one would trip over.
 * @throws EmbeddedPostgresError `other_major_version`, `not_a_data_directory`, `initialisation_failed`, `disk_full`, …
 */
export async function ensureDataDirectory(
  home: string,
  binaries: Binaries,
  account: Account | undefined,
): Promise<{ readonly dataDirectory: string; readonly created: boolean }> {
  const dataDirectory = join(home, 'data');
  const version = await readFile(join(dataDirectory, 'PG_VERSION'), 'utf8').catch(missing);
  if (version !== undefined) {
    refuseOtherMajor(version.trim(), binaries, dataDirectory);
    return { dataDirectory, created: false };
  }
  const entries = (await readdir(dataDirectory).catch(missing)) ?? [];
  if (entries.length > 0) {
    throw new EmbeddedPostgresError(
      'not_a_data_directory',
      `${dataDirectory} is not empty and has no PG_VERSION, so it is not a PostgreSQL data directory, or a damaged one`,
      'Restore it from a backup, or move it away to start empty.',
    );
  }
  await initialise(dataDirectory, binaries, account);
  return { dataDirectory, created: true };
}

function refuseOtherMajor(found: string, { majorVersion }: Binaries, dataDirectory: string): void {
  if (found === String(majorVersion)) return;
  throw new EmbeddedPostgresError(
    'other_major_version',
    `${dataDirectory} was made by PostgreSQL ${found}, this release brings PostgreSQL ${majorVersion}, and neither can open the other's files`,
    `Dump it with the release that made it (pg_dumpall over its socket), move ${dataDirectory} away, start this release and load the dump; or serve it with a PostgreSQL ${found} and set [database] url.`,
  );
}

async function initialise(dataDirectory: string, binaries: Binaries, account: Account | undefined): Promise<void> {
  const partial = `${dataDirectory}.partial`;
  await rm(partial, { recursive: true, force: true });
  const args = [
    `--pgdata=${partial}`,
    `--username=${SUPERUSER}`,
    // Only this account and root can enter the folder of the socket.
    '--auth=trust',
    '--encoding=UTF8',
    // Sorts the same on every machine: an index must not depend on the C library's version.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--set=timezone=UTC',
    '--set=log_timezone=UTC',
  ];
  const { exitCode, stderr } = await runProgram(binaries.initdb, args, account);
  if (exitCode === 0) {
    await rm(dataDirectory, { recursive: true, force: true });
    await rename(partial, dataDirectory);
    return;
  }
  await rm(partial, { recursive: true, force: true });
  const lastWords = stderr
    .split('\n')
    .filter((line) => /error|FATAL|PANIC|could not/.test(line))
    // The programs it starts put time and process before their words.
    .map((line) => line.replace(/^.*\[\d+\] /, ''))
    .join(' ');
  const failure = explainFailure('initdb failed', lastWords || stderr.trim(), dataDirectory);
  if (failure.code !== 'start_failed') throw failure;
  throw new EmbeddedPostgresError('initialisation_failed', failure.message, failure.remedy);
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw new EmbeddedPostgresError(
    'directory_unusable',
    `The data directory cannot be read: ${error.message}`,
    'Make the state directory readable for this user, or choose another one with [server] state_dir.',
    { cause: error },
  );
}
