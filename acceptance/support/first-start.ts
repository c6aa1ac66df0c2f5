import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { emptyDirectory, runServer } from './server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** A state directory after a first start, with its database made and migrated; tests start from copies of it. */
    firstStart: string;
  }
}

/** Vitest global setup: making a database takes half the time of a start, so it is done once. */
export async function setup(project: Pick<TestProject, 'provide'>): Promise<() => Promise<void>> {
  const directory = await emptyDirectory();
  const { code, stderr } = await runServer(directory, ['migrate']);
  if (code !== 0) throw new Error(`migrate: ${code} ${stderr}`);
  project.provide('firstStart', path.join(directory, '.reactor'));
  return () => rm(directory, { recursive: true, force: true });
}
