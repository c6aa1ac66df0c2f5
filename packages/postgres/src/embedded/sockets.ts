import { join } from 'node:path';
import { type Account, prepareSocketDirectory, type SocketDirectory, SocketDirectoryError } from '@reactor/processes';
import { EmbeddedPostgresError } from './errors.js';

/** PostgreSQL's own name for it; the port is part of it even without TCP. */
const SOCKET_NAME = '.s.PGSQL.5432';

/**
 * The folder of PostgreSQL's socket: `<home>/run`, or one below /tmp where that path is too long for a socket.
 * @throws EmbeddedPostgresError `directory_unusable` when the one below /tmp belongs to another account
 */
export async function preparePostgresSockets(home: string, account: Account | undefined): Promise<SocketDirectory> {
  try {
    return await prepareSocketDirectory({ preferred: join(home, 'run'), longestName: SOCKET_NAME, account });
  } catch (cause) {
    if (!(cause instanceof SocketDirectoryError)) throw cause;
    throw new EmbeddedPostgresError(
      'directory_unusable',
      `The folder ${cause.path} for PostgreSQL's socket cannot be used: ${cause.message}`,
      'Choose a shorter [server] state_dir, or remove that folder.',
      { cause },
    );
  }
}
