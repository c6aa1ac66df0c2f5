import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './account.js';

/** `sun_path` holds 104 bytes on macOS and 108 on Linux, with a NUL at its end. */
const MAX_SOCKET_PATH_BYTES = 103;

/** A folder for Unix sockets, closed to everyone but the account that serves them. */
export interface SocketDirectory {
  readonly path: string;
  /** Removes it when it lies below /tmp; call it when the child is gone. */
  remove(): Promise<void>;
}

/** Where sockets are to be. The folder is private, so only root can name an account other than our own. */
export interface SocketDirectoryOptions {
  /** Absolute; used where a socket in it fits. */
  readonly preferred: string;
  /** The longest file name that a socket in it will have. */
  readonly longestName: string;
  /** Who serves the sockets. Default: our own account. */
  readonly account: Account | undefined;
}

/** The folder belongs to another account, or cannot be created. */
export class SocketDirectoryError extends Error {
  override readonly name = 'SocketDirectoryError';
  readonly path: string;

  constructor(path: string, why: string) {
    super(why);
    this.path = path;
  }
}

/**
 * Creates `preferred` (0700), or a folder below /tmp where the path of a socket would be too long for the system.
 * @throws SocketDirectoryError
 */
export async function prepareSocketDirectory(options: SocketDirectoryOptions): Promise<SocketDirectory> {
  const { preferred, longestName, account } = options;
  const fits = Buffer.byteLength(join(preferred, longestName)) <= MAX_SOCKET_PATH_BYTES;
  const path = fits ? preferred : join('/tmp', `reactor-${shortName(preferred)}`);
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
      throw new SocketDirectoryError(path, error.message);
    },
  );
  const stats = await lstat(path);
  // /tmp is everybody's: a folder of this name may have been put there to look into the socket.
  const isOurs = stats.isDirectory() && [ownUid, account?.uid].includes(stats.uid);
  if (!created && !isOurs) throw new SocketDirectoryError(path, `it exists and belongs to uid ${stats.uid}`);
  if (account !== undefined) await chown(path, account.uid, account.gid);
  await chmod(path, 0o700);
}

/** The same at every start, so that a crash leaves one folder and not many. */
function shortName(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 12);
}
