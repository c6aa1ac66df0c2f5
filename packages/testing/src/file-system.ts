import type { StatsFs } from 'node:fs';
import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { vi } from 'vitest';
import { whenOver } from './when-over.js';

/** Size of a block of the disk that `diskHas` makes up. */
export const DISK_BLOCK_BYTES = 4096;

/**
 * Until the test is over, every disk has this many blocks and files, free or in all; the rest is roomy. No test may fill the disk it runs on,
 * and to mount one of its own takes root.
 */
export function diskHas(counts: Partial<StatsFs>): void {
  const roomy = { type: 0, bsize: DISK_BLOCK_BYTES, blocks: 1e9, bfree: 9e8, bavail: 9e8, files: 1e9, ffree: 9e8 };
  replace('statfs', async () => ({ ...roomy, ...counts }));
}

/** Until the test is over, no file can be linked, and this is why. */
export function linksFailWith(code: string): void {
  replace('link', async () => {
    throw Object.assign(new Error('link'), { code });
  });
}

/** Reaches modules that imported the function long ago too: a module mock would not, where test files share their imports. */
function replace(name: 'statfs' | 'link', answer: () => Promise<unknown>): void {
  const spy = vi.spyOn(files, name).mockImplementation(answer as never);
  syncBuiltinESMExports();
  whenOver(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
  });
}
