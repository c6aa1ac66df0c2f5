import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Logger } from '@reactor/core';
import { readPostmasterPid } from './postmaster.js';

/** How long each kind of shutdown may take before the next harder one. */
const STEPS = [
  { signal: 'SIGINT', waitMs: 10_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 2_000 },
] as const;
const POLL_MS = 20;

/**
 * Ends a PostgreSQL that an earlier server left running on this data directory, and removes a `postmaster.pid` whose
 * process id now belongs to something else, for which PostgreSQL would refuse to start. A pid file of a dead process is
 * left: PostgreSQL also checks its shared memory.
 */
export async function clearWayFor(dataDirectory: string, logger: Logger): Promise<void> {
  const pid = await readPostmasterPid(dataDirectory);
  if (pid === undefined || !isAlive(pid)) return;
  if (!(await isPostmasterOf(pid, dataDirectory))) {
    await rm(join(dataDirectory, 'postmaster.pid'), { force: true });
    return;
  }
  logger.warn('stopping a PostgreSQL that an earlier server left running', { pid });
  for (const { signal, waitMs } of STEPS) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    for (let waited = 0; waited < waitMs; waited += POLL_MS) {
      if (!isAlive(pid)) return;
      await delay(POLL_MS);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function isPostmasterOf(pid: number, dataDirectory: string): Promise<boolean> {
  return (await commandLine(pid)).includes(`-D ${dataDirectory}`);
}

async function commandLine(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    return (await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)])).stdout;
  } catch {
    return '';
  }
}
