import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../errors.js';
import { isLeftOut } from './bundle.js';

/** An editor writes a file in several steps within some milliseconds, and `git checkout` many files. */
const QUIET_MS = 150;
/** For files that are never quiet. */
const LONGEST_WAIT_MS = 2000;

/**
 * Yields when it watches, and then after each change of a file in the folder or below it. Changes that come together, or
 * while the one who waits is busy, are one. `node_modules` is not watched. Ends with `signal`.
 *
 * Each folder is watched by itself: on Linux, `recursive` of Node.js 20 loses a file that was replaced by a rename, which is
 * how editors save.
 * @param folder absolute
 * @throws CliError `IO_ERROR` when the folder is gone, or the system has no more watchers
 */
export async function* folderChanges(folder: string, signal: AbortSignal): AsyncGenerator<void> {
  let watchers: readonly FSWatcher[] = [];
  let hasChanged = false;
  let wake = () => {};
  const changed = (_event: string, name: string | null) => {
    if (name !== null && isUnwatched(name)) return;
    hasChanged = true;
    wake();
  };
  const stopWatching = () => {
    for (const watcher of watchers) watcher.close();
  };
  signal.addEventListener('abort', () => wake(), { once: true });
  try {
    while (!signal.aborted) {
      // All anew: a folder that was removed and made again has the path of the old one. What happens between is seen by
      // the one who waits.
      stopWatching();
      watchers = (await foldersIn(folder)).flatMap((path) => start(path, changed));
      yield;
      if (!hasChanged && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const until = performance.now() + LONGEST_WAIT_MS;
      while (hasChanged && !signal.aborted && performance.now() < until) {
        hasChanged = false;
        await delay(QUIET_MS, undefined, { signal }).catch(() => {});
      }
      hasChanged = false;
    }
  } finally {
    stopWatching();
  }
}

function isUnwatched(name: string): boolean {
  return isLeftOut(name) || name === 'node_modules';
}

/** @returns nothing for a folder that is gone */
function start(path: string, changed: (event: string, name: string | null) => void): FSWatcher[] {
  try {
    // It fails when the folder is removed, which the watcher of its parent reports.
    return [watch(path, changed).on('error', () => {})];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    const hint = code === 'ENOSPC' || code === 'EMFILE' ? 'Raise fs.inotify.max_user_watches.' : undefined;
    throw new CliError('IO_ERROR', `${path} cannot be watched: ${code}`, hint);
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  const found = [folder];
  for (const path of found) {
    const entries = await readdir(path, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
      if (path !== folder) return [];
      throw new CliError('IO_ERROR', `${folder} cannot be read: ${error.code}`);
    });
    for (const entry of entries) {
      if (entry.isDirectory() && !isUnwatched(entry.name)) found.push(join(path, entry.name));
    }
  }
  return found;
}
