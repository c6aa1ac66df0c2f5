import { execFileSync } from 'node:child_process';
import { chmod } from 'node:fs/promises';

/**
 * Makes a folder one that nobody can write to. Permission bits do not hold root back, so for root the folder becomes a
 * read-only mount of itself.
 * @returns what undoes it
 */
export async function makeReadOnly(folder: string): Promise<() => Promise<void>> {
  if (process.getuid?.() !== 0) {
    await chmod(folder, 0o555);
    return () => chmod(folder, 0o755);
  }
  execFileSync('mount', ['--bind', folder, folder]);
  execFileSync('mount', ['-o', 'remount,ro,bind', folder]);
  return async () => {
    execFileSync('umount', [folder]);
  };
}

/**
 * Puts a file system with 1 MiB of room over a folder. Takes root.
 * @returns what undoes it
 */
export function makeFull(folder: string): () => void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'none', folder]);
  return () => execFileSync('umount', [folder]);
}
