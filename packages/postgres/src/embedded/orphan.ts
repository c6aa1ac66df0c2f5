import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@reactor/core';
import { commandLine, findOwner, isAlive, killWithChildren } from '@reactor/processes';
import { EmbeddedPostgresError } from './errors.js';
import { KIND, readPostmasterPid } from './postmaster.js';

const POLL_MS = 20;
/** A checkpoint of what is in memory; a session that does not end is given up on. */
const FAST_SHUTDOWN_MS = 10_000;

/**
 * Ends a PostgreSQL that an earlier server left running on this data directory, and removes a `postmaster.pid` whose
 * process id now belongs to something else, for which PostgreSQL would refuse to start. A pid file of a dead process is
 * left: PostgreSQL also checks its shared memory.
 * @throws EmbeddedPostgresError `data_directory_in_use` when the process that started it lives: then it is not left over,
 *   whatever became of that server's lock
 */
export async function clearWayFor(dataDirectory: string, logger: Logger): Promise<void> {
  const pid = await readPostmasterPid(dataDirectory);
  if (pid === undefined || !isAlive(pid)) return;
  if (!(await commandLine(pid)).includes(`-D ${dataDirectory} `)) {
    await rm(join(dataDirectory, 'postmaster.pid'), { force: true });
    return;
  }
  const owner = await findOwner(KIND, pid);
  if (owner !== undefined) {
    throw new EmbeddedPostgresError(
      'data_directory_in_use',
      `${dataDirectory} is used by the server with pid ${owner}`,
      'Stop that server, or choose another [server] state_dir.',
    );
  }
  logger.warn('stopping a PostgreSQL that an earlier server left running', { pid });
  try {
    process.kill(pid, 'SIGINT');
  } catch {
    return;
  }
  for (let waited = 0; waited < FAST_SHUTDOWN_MS; waited += POLL_MS) {
    if (!isAlive(pid)) return;
    await delay(POLL_MS);
  }
  await killWithChildren(pid);
}
