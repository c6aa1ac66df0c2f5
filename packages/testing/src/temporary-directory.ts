import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whenOver } from './when-over.js';

/** An empty folder that goes with the test, or with the file when it is made at its top level. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'reactor-'));
  // Tests may run as root, whose 0700 folders the account of PostgreSQL could not pass through.
  await chmod(directory, 0o711);
  // A PostgreSQL that was killed may still be writing its last files.
  whenOver(() => rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return directory;
}
