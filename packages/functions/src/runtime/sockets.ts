import { chmod, chown, lstat, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Account } from '@reactor/processes';

/** Where one process listens. */
export interface InstanceSocket {
  /** Absolute path, in a folder of its own. */
  readonly path: string;
  /**
   * To be called when the process listens. From then on it cannot put anything else there: the server would follow a link,
   * with rights that the process does not have.
   * @throws Error when what is there is not a socket of its account
   */
  seal(): Promise<void>;
  /** To be called when the process has ended. */
  remove(): Promise<void>;
}

/** The name of the socket in the folder of its process. */
const NAME = 's';

/** The longest path below the folder of all. */
export const LONGEST_SOCKET = path.join(`${process.pid}-9999999`, NAME);

/**
 * Makes a place for the socket of each process, none of which is used twice by this one. Where the account is another one,
 * no process may look into the folder of another function.
 * @param folder of all; nobody else may write to it
 */
export function socketMaker(folder: string, account: Account | undefined): () => Promise<InstanceSocket> {
  let count = 0;
  return async () => {
    count += 1;
    const own = path.join(folder, `${process.pid}-${count}`);
    const socket = path.join(own, NAME);
    await mkdir(own, { mode: 0o700 });
    if (account !== undefined) await chown(own, account.uid, account.gid);
    return {
      path: socket,
      async seal() {
        if (account !== undefined) {
          await chown(own, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
          await chmod(own, 0o700);
        }
        const info = await lstat(socket);
        if (!info.isSocket() || (account !== undefined && info.uid !== account.uid)) {
          throw new Error('it does not listen where it was told to');
        }
      },
      remove: () => rm(own, { recursive: true, force: true }),
    };
  };
}
