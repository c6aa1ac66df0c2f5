import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { silentLogger, systemClock } from '@reactor/core';
import { openDatabase } from '@reactor/postgres';
import { createLifecycle } from '../../src/lifecycle.js';
import { findBun } from '../../src/runtime/bun.js';
import { bundleOf, CONFIG, handler } from './lifecycle.js';

/** Deploys to two functions as fast as it can, and says so: `<id>` once a deployment was acknowledged. */
export async function main(connectionString: string, folder: string): Promise<void> {
  const clock = systemClock;
  const database = openDatabase({ connectionString, logger: silentLogger, clock });
  const blobs = createFilesystemBlobStore({ root: join(folder, 'blobs'), clock });
  const scripts = fileURLToPath(new URL('../../runtime/', import.meta.url));
  const bun = async () => ({ binary: findBun(), account: undefined, cacheDirectory: join(folder, 'cache'), scripts });
  const { deployments, start } = createLifecycle(
    { database, blobs },
    { config: CONFIG, bun, clock, onDeployed: () => {} },
  );
  await start();

  const deploy = async (name: string) => {
    for (let i = 0; ; i++) {
      const bundle = await bundleOf({ ...handler(`${process.pid} ${i}`), 'large.txt': 'x'.repeat(500_000) });
      const incoming = {
        headers: new Headers({ 'Content-Type': 'application/gzip' }),
        body: new Blob([bundle as Uint8Array<ArrayBuffer>]).stream(),
        signal: new AbortController().signal,
      };
      const { deployment } = await deployments.deploy(name, incoming, true);
      // Not through a stream: what is in a pipe survives the process, what is in a stream does not.
      writeSync(1, `${name} ${deployment.id}\n`);
    }
  };
  await Promise.all(['hello', 'other'].map(deploy));
}
