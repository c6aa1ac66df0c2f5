import { readdir } from 'node:fs/promises';
import { commandLine } from '@reactor/processes';
import { runInChild } from '@reactor/testing';
import { expect, it } from 'vitest';
import type { Deployment } from '../src/deployment.js';
import { bundleOf, createTestFunctions, handler } from './support/lifecycle.js';

const DEPLOYING = new URL('support/deploying-child.ts', import.meta.url);

/** Command lines of processes that work below `folder`. */
async function processesIn(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => commandLine(Number(pid))));
  return lines.filter((line) => line.includes(`${folder}/cache`));
}

it.runIf(process.platform === 'linux')(
  'has every acknowledged deployment whole after kill -9, and nothing of the others',
  { timeout: 120_000 },
  async () => {
    const functions = await createTestFunctions();
    const { lifecycle, database, folder } = functions;
    for (const name of ['hello', 'other']) await functions.create(name);
    for (const acknowledgements of [0, 1, 3, 6]) {
      const child = runInChild(DEPLOYING, [functions.connectionString, folder]);
      if (acknowledgements === 0) {
        // In the middle of the first build.
        await expect.poll(() => processesIn(folder), { timeout: 30_000, interval: 1 }).not.toEqual([]);
        child.process.kill('SIGKILL');
      }
      const last = new Map<string, string>();
      let count = 0;
      for await (const line of child.lines) {
        const [name, id] = line.split(' ') as [string, string];
        last.set(name, id);
        count += 1;
        if (count === acknowledgements) child.process.kill('SIGKILL');
      }
      expect(await child.ended).toBe('SIGKILL');
      for (const [name, id] of last) {
        const live = await lifecycle.functions.live(name);
        // Or the one after it, committed and killed before it was acknowledged.
        expect(live?.deployment?.version).toBeGreaterThanOrEqual((await lifecycle.deployments.get(name, id)).version);
        await lifecycle.folders.open(live?.deployment as Deployment, new AbortController().signal);
      }
      await expect.poll(() => processesIn(folder), { timeout: 10_000 }).toEqual([]);
    }

    // As after two minutes, and an hour.
    await database.query("UPDATE reactor_functions.deployments SET created_at = created_at - interval '121 seconds'");
    functions.advance(7_200_000);
    const restarted = await functions.restart();
    await restarted.sweeper.sweep(new AbortController().signal);
    const { rows } = await database.query<{ key: string }>(
      "SELECT blob_key AS key FROM reactor_functions.deployments WHERE status = 'ready' ORDER BY blob_key",
    );
    expect(await functions.keys()).toEqual(rows.map(({ key }) => key));
    expect(await functions.blobs.sweepTemporary(0)).toBe(0);
    expect((await functions.folders()).filter((name) => name.startsWith('+'))).toEqual([]);
    const { rows: pending } = await database.query(
      "SELECT FROM reactor_functions.deployments WHERE status = 'pending'",
    );
    expect(pending).toEqual([]);
    expect((await functions.deploy('hello', await bundleOf(handler('after')))).status).toBe(201);
  },
);
