import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './account.js';
import { EmbeddedPostgresError } from './errors.js';

/** `sun_path` holds 104 bytes on macOS and 108 on Linux, with a NUL at its end. */
const MAX_SOCKET_PATH_BYTES = 103;
/** PostgreSQL's own name for it; the port is part of it even without TCP. */
const SOCKET_NAME = '.s.PGSQL.5432';

export interface SocketDirectory {
  readonly path: string;
  /** Removes it when it lies outside the state directory; call it when PostgreSQL is gone. */
  remove(): Promise<void>;
}

/**
 * A folder for the socket that only the account of PostgreSQL can enter: `<home>/run`, or one below /tmp where that
 * path is too long for a socket.
 * @throws EmbeddedPostgresError `directory_unusable` when the one below /tmp is somebody else's
 */
export async function prepareSocketDirectory(home: string, account: Account | undefined): Promise<SocketDirectory> {
  const near = join(home, 'run');
  const fits = Buffer.byteLength(join(near, SOCKET_NAME)) <= MAX_SOCKET_PATH_BYTES;
  const path = fits ? near : join('/tmp', `reactor-${shortName(home)}`);
  await createPrivate(path, account);
  return {
    path,
    remove: async () => {
      if (!fits) await rm(path, { recursive: true, force: true });
    },
  };
}

async function createPrivate(path: string, account: Account | undefined): Promise<void> {
  const ownUid = process.getuid?.() ?? -1;
  const created = await mkdir(path, { mode: 0o700 }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw unusable(path, error.message);
    },
  );
  const stats = await lstat(path);
  // /tmp is everybody's: a folder of this name may have been put there to look into the socket.
  const isOurs = stats.isDirectory() && [ownUid, account?.uid].includes(stats.uid);
  if (!created && !isOurs) throw unusable(path, `it exists and belongs to uid ${stats.uid}`);
  if (account !== undefined) await chown(path, account.uid, account.gid);
  await chmod(path, 0o700);
}

function unusable(path: string, why: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    'directory_unusable',
    `The folder ${path} for PostgreSQL's socket cannot be used: ${why}`,
    'Choose a shorter [server] state_dir, or remove that folder.',
  );
}

/** The same at every start, so that a crash leaves one folder and not many. */
function shortName(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 12);
}
