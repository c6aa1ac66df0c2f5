import { createHash } from 'node:crypto';
import { runInChild } from '@reactor/testing';
import { expect, it } from 'vitest';
import { createTestStorage } from './support/storage.js';
import { createSweeper } from './support/sweeper.js';

const UPLOADING = new URL('support/uploading-child.ts', import.meta.url);

it('has every acknowledged object whole after kill -9, and sweeps the rest away', { timeout: 120_000 }, async () => {
  const storage = await createTestStorage();
  await storage.bucket('b');
  const alice = storage.as('alice');
  for (const acknowledgements of [1, 7, 20, 45]) {
    const child = runInChild(UPLOADING, [storage.connectionString, storage.root]);
    /** The last acknowledged version, and all that were. */
    const last = new Map<string, string>();
    let count = 0;
    for await (const line of child.lines) {
      const [key, hash] = line.split(' ') as [string, string];
      last.set(key, hash);
      count += 1;
      if (count === acknowledgements) child.process.kill('SIGKILL');
    }
    expect(await child.ended).toBe('SIGKILL');
    expect(count).toBeGreaterThanOrEqual(acknowledgements);

    for (const [key, hash] of last) {
      const answer = await alice('GET', `/object/b/${key}`);
      expect(answer.status).toBe(200);
      const body = Buffer.from(await answer.arrayBuffer());
      const stored = createHash('sha256').update(body).digest('hex');
      expect(answer.headers.get('ETag')).toBe(`"${stored}"`);
      // Or the version after it, committed and killed before it was acknowledged.
      if (stored !== hash) expect(body.length).toBe(300_000);
    }
  }

  storage.advance(7_200_000);
  await createSweeper(storage).run();
  const { rows } = await storage.database.query<{ blob_key: string }>('SELECT blob_key FROM reactor_storage.objects');
  const keys: string[] = [];
  for await (const { key } of storage.blobs.list('')) keys.push(key);
  expect(keys.sort()).toEqual(rows.map((row) => row.blob_key).sort());
  expect(await storage.blobs.sweepTemporary(0)).toBe(0);
});
