import { createHash, randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { createFilesystemBlobStore } from '@reactor/blobs';
import { silentLogger, systemClock } from '@reactor/core';
import { openDatabase } from '@reactor/postgres';
import { testTokens } from '@reactor/testing';
import { createStorage } from '../../src/index.js';

/** Replaces four objects as fast as it can, and says so: `<key> <hash>` once an upload was acknowledged. */
export async function main(connectionString: string, root: string): Promise<void> {
  const clock = systemClock;
  const database = openDatabase({ connectionString, logger: silentLogger, clock });
  const blobs = createFilesystemBlobStore({ root, clock });
  const context = { logger: silentLogger, clock, database, tokens: testTokens, blobs };
  const storage = createStorage({ maxUploadBytes: 10_000_000 }, context);
  await storage.start();

  const upload = async (key: string) => {
    for (;;) {
      const body = randomBytes(300_000);
      const headers = { Authorization: 'Bearer alice' };
      const answer = await storage.routes.request(`/object/b/${key}`, { method: 'PUT', body, headers });
      if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
      // Not through a stream: what is in a pipe survives the process, what is in a stream does not.
      writeSync(1, `${key} ${createHash('sha256').update(body).digest('hex')}\n`);
    }
  };
  await Promise.all(['a', 'b', 'c', 'd'].map(upload));
}
