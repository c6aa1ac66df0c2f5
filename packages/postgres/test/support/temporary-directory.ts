import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

type CleanUp = (work: () => Promise<void>) => void;

/** @param cleanUp where the removal is registered: the running test, or `afterAll` for a whole file */
export async function temporaryDirectory(cleanUp: CleanUp = onTestFinished): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'reactor-pg-'));
  cleanUp(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
