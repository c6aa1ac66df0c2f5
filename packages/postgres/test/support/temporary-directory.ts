import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

type CleanUp = (work: () => Promise<void>) => void;

/** @param cleanUp where the removal is registered: the running test, or `afterAll` for a whole file */
export async function temporaryDirectory(cleanUp: CleanUp = onTestFinished): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'reactor-pg-'));
  // Tests may run as root, whose 0700 folders the account of PostgreSQL could not pass through.
  await chmod(directory, 0o711);
  // A PostgreSQL that is killed may still be writing its last files.
  cleanUp(() => rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return directory;
}
